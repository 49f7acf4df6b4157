"""The listening side: one thread a connection, and a stop that lets running requests finish."""

import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from liq.devstack.clickhouse.access import Credentials
from liq.devstack.clickhouse.engine import Engine
from liq.devstack.clickhouse.execution import Executor
from liq.devstack.clickhouse.faults import Faults
from liq.devstack.clickhouse.injection import ConnectionEndedError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What the handlers of all connections share."""

    engine: Engine
    executor: Executor
    credentials: Credentials
    faults: Faults | None  # None: fault injection is off


class ClickHouseServer(ThreadingHTTPServer):
    """Accepts connections, and knows how many requests run."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    services: Services  # set before the first request is accepted

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        """Bind the address and listen; connections wait until `serve_forever` accepts them.

        Raises:
            OSError: The address is taken or is not this machine's.
        """
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._running = 0
        self._stopping = False
        self._changed = threading.Condition()
        super().__init__((host, port), handler)

    @contextmanager
    def running_request(self) -> Iterator[None]:
        """Count a request as running.

        Raises:
            ConnectionEndedError: The server is stopping; the request must not begin.
        """
        with self._changed:
            if self._stopping:
                raise ConnectionEndedError
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def finish_requests(self, timeout_s: float) -> bool:
        """Let no further request begin and wait for those that run; return whether they ended."""
        with self._changed:
            self._stopping = True
            return self._changed.wait_for(lambda: self._running == 0, timeout_s)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - base
        """Log what a handler did not expect; a client that goes away is nothing unexpected."""
        problem = sys.exception()
        if isinstance(problem, ConnectionError | TimeoutError):
            logger.debug("connection of %s ended: %s", client_address, problem)
        else:
            logger.error("request of %s failed", client_address, exc_info=problem)
