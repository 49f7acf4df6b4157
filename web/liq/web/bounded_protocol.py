"""HTTP connections with time limits for a request's head and body, and a bound on their number."""

import asyncio
from enum import Enum, auto
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 10.0
MAX_CONNECTIONS: Final = 1_200
TOO_MANY: Final = b"The server has as many connections as it serves; try again in some seconds.\n"
TOO_SLOW: Final = b"The request's body did not arrive within ten seconds; send it faster.\n"


def _refusal(status: bytes, sentence: bytes, *headers: bytes) -> bytes:
    """Return a whole answer that ends the connection."""
    head = (
        b"HTTP/1.1 " + status,
        b"Content-Type: text/plain; charset=utf-8",
        *headers,
        b"Connection: close",
        b"Content-Length: %d" % len(sentence),
    )
    return b"\r\n".join(head) + b"\r\n\r\n" + sentence


REFUSAL: Final = _refusal(b"503 Service Unavailable", TOO_MANY, b"Retry-After: 10")
SLOW_REFUSAL: Final = _refusal(b"408 Request Timeout", TOO_SLOW)


class _Awaited(Enum):
    """The part of a request that the client has still to send."""

    HEAD = auto()
    BODY = auto()


class BoundedProtocol(H11Protocol):
    """Protocol that ends a connection whose request's head or body takes longer than ten seconds.

    uvicorn bounds the time between requests, but neither that of a head nor that of a body. A slow
    body is answered with 408 and a sentence if no answer has begun. uvicorn's own limit of
    connections refuses requests on accepted connections while the server is full; this class
    answers a connection beyond the limit with 503 and closes it.
    """

    _deadline: asyncio.TimerHandle | None = None
    _awaited: _Awaited | None = None
    _is_upgraded = False

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
        """Start the deadline of the part that is awaited next, and stop that of a whole part."""
        super().data_received(data)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadline."""
        self._stop_clock()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Hand the connection over to the WebSocket's protocol, which has limits of its own."""
        self._is_upgraded = True
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Start the deadline of the body of a request that was sent before this answer."""
        super().on_response_complete()
        if self._next_part() is _Awaited.BODY:
            self._set_deadline()

    def _set_deadline(self) -> None:
        awaited = self._next_part()
        if awaited is None:
            self._stop_clock()
        elif awaited is not self._awaited:
            self._stop_clock()
            self._awaited = awaited
            seconds = HEAD_SECONDS if awaited is _Awaited.HEAD else BODY_SECONDS
            self._deadline = self.loop.call_later(seconds, self._give_up)

    def _next_part(self) -> _Awaited | None:
        """Return the awaited part; None while the server answers, or after an upgrade."""
        if self._is_upgraded:
            return None
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            return _Awaited.HEAD
        return _Awaited.BODY if cycle.more_body else None

    def _stop_clock(self) -> None:
        self._awaited = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        awaited = self._awaited
        self._stop_clock()
        # The server may have answered since, and then its limit between requests counts.
        if awaited is not self._next_part() or self.transport.is_closing():
            return
        if awaited is _Awaited.BODY and not self.cycle.response_started:
            self.transport.write(SLOW_REFUSAL)
        self.transport.close()
