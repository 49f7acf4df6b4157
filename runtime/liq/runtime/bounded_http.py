"""An HTTP server whose connections are bounded in number and in time.

At the bound, a new connection takes the place of the oldest one that has not sent its request yet:
clients that send half a request hold nothing.
"""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from liq.runtime.metrics import ERRORS

MAX_CONNECTIONS: Final = 16
#: Of one read or write; a request and an answer take one each.
TIMEOUT_SECONDS: Final = 5.0
#: How long a new connection waits for the place of one that was cut.
CUT_SECONDS: Final = 0.5


class BoundedHTTPServer(ThreadingHTTPServer):
    """Runs a thread for each of at most `MAX_CONNECTIONS` connections."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: "type[BoundedHandler]") -> None:
        """Bind an address; `handler` answers.

        Raises:
            OSError: the port is taken or the address is not ours.
        """
        super().__init__(address, handler)
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._lock = threading.Lock()
        # Connections that have not sent their request yet, oldest first.
        self._waiting: dict[Any, None] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread, if need be in the place of one that only waits."""
        if not self._places.acquire(blocking=False):
            self._cut_oldest()
            if not self._places.acquire(timeout=CUT_SECONDS):
                ERRORS.labels("http_refused").inc()
                self.shutdown_request(request)
                return
        with self._lock:
            self._waiting[request] = None
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and free the place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.keep(request)
            self._places.release()

    def keep(self, request: Any) -> None:
        """Cut this connection no more: it has sent its request, or has ended."""
        with self._lock:
            self._waiting.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's
        """Count what a client did to its connection; a traceback says nothing of it."""
        ERRORS.labels("http_connection").inc()

    def _cut_oldest(self) -> None:
        with self._lock:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return
            del self._waiting[oldest]
            ERRORS.labels("http_cut").inc()
            try:
                oldest.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the client has left, and the thread is about to notice


class BoundedHandler(BaseHTTPRequestHandler):
    """Answers GET, and HEAD as GET without the body."""

    server: BoundedHTTPServer
    timeout = TIMEOUT_SECONDS

    def parse_request(self) -> bool:
        """Read the headers of a request; the connection stays from then on."""
        is_request = super().parse_request()
        self.server.keep(self.connection)
        return is_request

    def do_GET(self) -> None:
        """Answer."""
        self.respond()

    def do_HEAD(self) -> None:
        """Answer as GET, without the body."""
        self.respond()

    def respond(self) -> None:
        """Answer a request, by `answer`."""
        raise NotImplementedError

    def answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Probes are not worth a log line."""
