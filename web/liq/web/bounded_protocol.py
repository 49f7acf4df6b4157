"""HTTP connections with a time limit for a request's head, and a bound on their number."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 10.0
MAX_CONNECTIONS: Final = 1_200
TOO_MANY: Final = b"The server has as many connections as it serves; try again in some seconds.\n"
REFUSAL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Retry-After: 10\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
    % (len(TOO_MANY), TOO_MANY)
)


class BoundedProtocol(H11Protocol):
    """Protocol that closes a connection if a request's head takes longer than ten seconds.

    uvicorn bounds the time between requests, but not the time of a request's head. Its own limit
    of connections refuses requests on accepted connections while the server is full; this class
    answers a connection beyond the limit with 503 and closes it.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the first request's deadline, or refuse a connection beyond the limit."""
        if len(self.connections) >= MAX_CONNECTIONS:
            self.transport = transport
            transport.write(REFUSAL)
            transport.close()
            return
        super().connection_made(transport)
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Start the deadline of the next request's head, and stop it at the head's end."""
        super().data_received(data)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadline."""
        self._stop_clock()
        super().connection_lost(exc)

    def _set_deadline(self) -> None:
        if not self._is_waiting():
            self._stop_clock()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _is_waiting(self) -> bool:
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._is_waiting() and not self.transport.is_closing():
            self.transport.close()
