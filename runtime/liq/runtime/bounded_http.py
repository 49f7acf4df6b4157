"""An HTTP server with limits on the number of connections and on the time of each read and write.

At the limit, a new connection replaces the oldest one that has not sent its request yet. So clients
that send half a request cannot block the server.
"""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from liq.runtime.metrics import ERRORS

MAX_CONNECTIONS: Final = 16
#: The timeout of one read or write; a request takes one read, a response one write.
TIMEOUT_SECONDS: Final = 5.0
#: How long a new connection waits for the thread of a closed one to end.
CUT_SECONDS: Final = 0.5


class BoundedHTTPServer(ThreadingHTTPServer):
    """A server that runs a thread for each of at most `MAX_CONNECTIONS` connections."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: "type[BoundedHandler]") -> None:
        """Bind an address; `handler` answers its requests.

        Raises:
            OSError: the port is taken, or the address is not one of this host.
        """
        super().__init__(address, handler)
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._lock = threading.Lock()
        # Connections that have not sent their request yet, oldest first.
        self._waiting: dict[Any, None] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a thread; at the limit, close the oldest idle connection first."""
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
        """Handle a connection, then release its place under the limit."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.keep(request)
            self._places.release()

    def keep(self, request: Any) -> None:
        """Protect a connection from being closed: it has sent its request, or has ended."""
        with self._lock:
            self._waiting.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's
        """Count a failed connection; its traceback would not explain what the client did."""
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
                return  # the client has disconnected; the thread ends at its next read


class BoundedHandler(BaseHTTPRequestHandler):
    """A handler of GET, and of HEAD as GET without the body."""

    server: BoundedHTTPServer
    timeout = TIMEOUT_SECONDS

    def parse_request(self) -> bool:
        """Read the headers of a request; from then on, the connection is protected."""
        is_request = super().parse_request()
        self.server.keep(self.connection)
        return is_request

    def do_GET(self) -> None:
        """Answer a GET request."""
        self.respond()

    def do_HEAD(self) -> None:
        """Answer a HEAD request: as GET, without the body."""
        self.respond()

    def respond(self) -> None:
        """Answer a request with `answer`; subclasses implement it."""
        raise NotImplementedError

    def answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send a response; HEAD requests receive its headers only."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing: lines about probes are of no use."""
