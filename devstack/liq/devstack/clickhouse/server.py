"""The listener: one thread per connection, and a stop that waits for running requests."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from liq.devstack.clickhouse.access import Credentials
from liq.devstack.clickhouse.engine import Engine

logger = logging.getLogger(__name__)


class StoppingError(Exception):
    """The server is stopping, so the request must not begin."""


@dataclass(frozen=True)
class Services:
    """The objects that the handlers of all connections share."""

    engine: Engine
    credentials: Credentials
    default_database: str


class ClickHouseServer(ThreadingHTTPServer):
    """The server, which counts running requests."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    services: Services  # set before the first request is accepted

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        """Bind the address and listen; connections wait until `serve_forever` accepts them.

        Raises:
            OSError: The address is taken.
        """
        self._running = 0
        self._stopping = False
        self._changed = threading.Condition()
        super().__init__((host, port), handler)

    @contextmanager
    def running_request(self) -> Iterator[None]:
        """Count a request as running.

        Raises:
            StoppingError: The server is stopping, so the request must not begin.
        """
        with self._changed:
            if self._stopping:
                raise StoppingError
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def finish_requests(self, timeout_s: float) -> bool:
        """Reject further requests and wait for running ones; return whether all have ended."""
        with self._changed:
            self._stopping = True
            return self._changed.wait_for(lambda: self._running == 0, timeout_s)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - base
        """Log an unexpected error of a handler; a client's disconnect is not unexpected."""
        problem = sys.exception()
        if isinstance(problem, ConnectionError | TimeoutError):
            logger.debug("connection of %s ended: %s", client_address, problem)
        else:
            logger.error("request of %s failed", client_address, exc_info=problem)
