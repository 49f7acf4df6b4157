"""The handler of a connection: it runs requests on the engine, and sends results and errors."""

import logging
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from typing import Final
from urllib.parse import urlsplit

from liq.devstack.clickhouse import statements
from liq.devstack.clickhouse.bodies import RequestBody
from liq.devstack.clickhouse.errors import ClickHouseError, http_status
from liq.devstack.clickhouse.requests import parse_parameters, parse_request
from liq.devstack.clickhouse.server import ClickHouseServer, StoppingError

logger = logging.getLogger(__name__)

_MAX_DRAINED_BYTES: Final = 256 * 1024 * 1024
# Long, because a client repeats its INSERT if the connection has just been closed for idleness.
_IDLE_TIMEOUT_SECONDS: Final = 3600


class ClickHouseHandler(BaseHTTPRequestHandler):
    """The handler of one connection, which serves its requests one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_TIMEOUT_SECONDS
    server: ClickHouseServer

    def do_GET(self) -> None:
        """Answer a request of any method."""
        self._body = RequestBody(
            self.rfile, {name.lower(): text for name, text in self.headers.items()}
        )
        try:
            with self.server.running_request():
                self._route()
        except StoppingError:
            self.close_connection = True

    do_POST = do_GET  # noqa: N815 - as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log the base class's messages."""
        logger.debug(format, *args)

    def _route(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/ping" or (url.path == "/" and self.command == "GET" and not url.query):
            self._send(200, b"Ok.\n")
        elif url.path != "/":
            self._send(404, f"There is no handle {url.path}\n".encode())
        else:
            self._query(parse_parameters(url.query))

    def _query(self, parameters: dict[str, str]) -> None:
        """Run a query; send its result, or an error with a ClickHouse code."""
        services = self.server.services
        headers = {name.lower(): text for name, text in self.headers.items()}
        try:
            services.credentials.check(headers, parameters)
            request = parse_request(self.command, parameters, headers)
            statement, data = statements.read(request.query, iter(self._body))
            with closing(services.engine.connect()) as connection:
                if request.database:
                    connection.use(request.database)
                else:
                    connection.use_if_there(services.default_database)
                connection.set(request.settings)
                if isinstance(statement, statements.DataInsert):
                    answer = connection.insert(statement, data, request.parameters)
                else:
                    answer = connection.run(
                        statement.sql, request.default_format, request.parameters
                    )
        except ClickHouseError as problem:
            logger.info("%s", problem)
            body = problem.body(services.engine.version)
            self._send(
                http_status(problem.code), body, {"X-ClickHouse-Exception-Code": str(problem.code)}
            )
            return
        answers = isinstance(statement, statements.Command) and statement.answers
        self._send(
            200,
            answer.data,
            {
                "X-ClickHouse-Query-Id": request.query_id,
                "X-ClickHouse-Timezone": services.engine.timezone,
                "X-ClickHouse-Summary": answer.summary,
                **({"X-ClickHouse-Format": request.default_format} if answers else {}),
            },
        )

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Read the rest of the request, then send a complete response."""
        if not self._body.drain(_MAX_DRAINED_BYTES):
            self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=UTF-8")
        for name, text in (headers or {}).items():
            # A line break within a value (such as a query id) would end the headers early.
            self.send_header(name, text.replace("\r", " ").replace("\n", " "))
        self.send_header("Connection", "close" if self.close_connection else "Keep-Alive")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
