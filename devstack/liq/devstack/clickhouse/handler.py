"""One connection: routes, reads requests, and sends answers and errors in HTTP."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from liq.devstack.clickhouse import compression, multipart, responses, statements
from liq.devstack.clickhouse.access import may_be_web_page
from liq.devstack.clickhouse.bodies import RequestBody
from liq.devstack.clickhouse.errors import ClickHouseError, http_status
from liq.devstack.clickhouse.execution import Result
from liq.devstack.clickhouse.faults import FaultKind, Faults, parse_rule
from liq.devstack.clickhouse.injection import (
    ConnectionEndedError,
    fail_after_commit,
    fail_on_arrival,
)
from liq.devstack.clickhouse.requests import QueryRequest, parse_parameters, parse_request
from liq.devstack.clickhouse.server import ClickHouseServer

logger = logging.getLogger(__name__)

_MAX_FORM_BYTES = 256 * 1024 * 1024
_MAX_DRAINED_BYTES = 256 * 1024 * 1024
# Long, because a client that meets a connection just closed for idleness sends its INSERT again.
_IDLE_TIMEOUT_S = 3600


class ClickHouseHandler(BaseHTTPRequestHandler):
    """Serves the requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_TIMEOUT_S
    server: ClickHouseServer

    def do_GET(self) -> None:
        """Answer a request, whatever its method."""
        self._lower_headers = {name.lower(): text for name, text in self.headers.items()}
        self._body = RequestBody(self.rfile, self._lower_headers)
        try:
            with self.server.running_request():
                self._route()
        except ConnectionEndedError:
            self.close_connection = True

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Send the base class's own remarks to the log."""
        logger.debug(format, *args)

    def _route(self) -> None:
        url = urlsplit(self.path)
        reads = self.command in {"GET", "HEAD"}
        if may_be_web_page(self._lower_headers, self.server.services.credentials):
            self._send_text(
                403, "Web pages may not use this server; programs call it by its IP address.\n"
            )
        elif url.path in {"/ping", "/replicas_status"} or (
            url.path == "/" and reads and not url.query
        ):
            self._send_text(200, "Ok.\n")
        elif url.path not in {"/", "/__fault"}:
            self._send_text(404, f"There is no handle {url.path}\n")
        elif url.path == "/" and not (reads or self.command == "POST"):
            self._send_text(405, f"{self.command} is not supported; use GET or POST.\n")
        else:
            self._serve_user(url.path, parse_parameters(url.query))

    def _serve_user(self, path: str, parameters: dict[str, str]) -> None:
        """Serve what needs credentials; every error here has a ClickHouse code."""
        services = self.server.services
        try:
            services.credentials.check(self._lower_headers, parameters)
            if path == "/":
                self._query(parameters)
            elif services.faults is None:
                self._send_text(
                    404, "Fault injection is off: start with --allow-fault-injection.\n"
                )
            else:
                self._order_fault(services.faults)
        except ClickHouseError as problem:
            logger.info("%s", problem)
            self._send_error(problem)

    def _order_fault(self, faults: Faults) -> None:
        if self.command == "GET":
            self._send_json(faults.describe())
        elif self.command == "DELETE":
            self._send_json(faults.clear())
        else:
            try:
                rule = parse_rule(b"".join(self._body))
            except ValueError as problem:
                self._send_text(400, f"No fault was set: {problem}.\n")
            else:
                faults.add(rule)
                self._send_json(rule.describe())

    def _query(self, parameters: dict[str, str]) -> None:
        services = self.server.services
        started_s = time.monotonic()
        chunks, form = self._chunks_or_form()
        request = parse_request(self.command, parameters, self._lower_headers, form)
        statement, data = statements.read(request.query, chunks)
        fault = services.faults.take(statement.text) if services.faults else None
        if fault is not None:
            if fault.kind is FaultKind.STATUS:
                self._send_text(int(fault.argument), "This answer is an injected fault.\n")
                return
            if fault.kind is FaultKind.EXCEPTION:
                raise services.engine.error(int(fault.argument), "This is an injected fault.")
            fail_on_arrival(fault, self.connection, iter(self._body))
        with closing(services.executor.execute(request, statement, data)) as result:
            if fault is not None:
                fail_after_commit(fault, self.connection)
            if fault is not None and fault.kind is FaultKind.CUT_RESPONSE:
                self._send_cut(request, result, int(fault.argument))
            elif result.complete or self.command == "HEAD" or self._is_old_http():
                self._send_whole(request, result)
            else:
                self._send_stream(request, result)
        logger.info(
            "%d rows written, %d read, %.1f ms: %.200s",
            result.statistics.written_rows,
            result.statistics.read_rows,
            (time.monotonic() - started_s) * 1000,
            statement.text,
        )

    def _is_old_http(self) -> bool:
        return self.request_version == "HTTP/1.0"  # knows no chunks

    def _chunks_or_form(self) -> tuple[Iterator[bytes], multipart.Form]:
        """Return the decompressed body, or the form that it is."""
        encoding = self._lower_headers.get("content-encoding", "").strip().lower()
        chunks = compression.decode(self._body, encoding)
        content_type = self._lower_headers.get("content-type", "")
        if not content_type.lower().startswith("multipart/form-data"):
            return chunks, multipart.Form()
        body = statements.join(chunks, _MAX_FORM_BYTES)
        return iter(()), multipart.parse(body, multipart.boundary_of(content_type))

    def _send_whole(self, request: QueryRequest, result: Result) -> None:
        data = b"".join(result.blocks)
        result.close()
        headers = self._result_headers(request, result)
        encoding = compression.negotiate(request.accept_encoding) if data else None
        if encoding is not None:
            headers["Content-Encoding"] = encoding
            encoder = compression.encoder(encoding)
            data = encoder.compress(data) + encoder.flush()
        self._send(200, headers, data)

    def _send_stream(self, request: QueryRequest, result: Result) -> None:
        tag = responses.new_exception_tag()
        headers = self._result_headers(request, result)
        headers |= {"Transfer-Encoding": "chunked", "X-ClickHouse-Exception-Tag": tag}
        encoding = compression.negotiate(request.accept_encoding)
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        encoder = compression.encoder(encoding)
        self.connection.sendall(responses.head(200, headers))
        try:
            for block in result.blocks:
                self.connection.sendall(responses.chunk(encoder.compress(block)))
        except ClickHouseError as problem:
            # The status has gone out as 200. As a server does: name the error in the stream, and
            # leave the chunked body without its end, so that no client takes it for complete.
            logger.info("%s", problem)
            message = responses.tagged_exception(self._error_body(problem), tag)
            self.connection.sendall(responses.chunk(encoder.compress(message) + encoder.flush()))
            self.close_connection = True
            return
        result.close()
        self.connection.sendall(responses.chunk(encoder.flush()) + responses.LAST_CHUNK)

    def _send_cut(self, request: QueryRequest, result: Result, sent_bytes: int) -> None:
        """Announce all of an answer, send its beginning (half of it by default), and close."""
        data = b"".join(result.blocks)
        headers = self._result_headers(request, result) | {"Content-Length": str(len(data))}
        beginning = data[: min(sent_bytes or len(data) // 2, max(len(data) - 1, 0))]
        self.connection.sendall(responses.head(200, headers) + beginning)
        self.close_connection = True

    def _result_headers(self, request: QueryRequest, result: Result) -> dict[str, str]:
        headers = {
            "Content-Type": responses.content_type(result.output_format),
            "X-ClickHouse-Query-Id": request.query_id,
            "X-ClickHouse-Server-Display-Name": "liq-embedded",
            "X-ClickHouse-Timezone": self.server.services.engine.timezone,
            "X-ClickHouse-Summary": result.statistics.to_json(),
        }
        if result.output_format is not None:
            headers["X-ClickHouse-Format"] = result.output_format
        return headers

    def _send_error(self, problem: ClickHouseError) -> None:
        headers = {
            "Content-Type": responses.content_type(None),
            "X-ClickHouse-Exception-Code": str(problem.code),
        }
        self._send(http_status(problem.code), headers, self._error_body(problem))

    def _error_body(self, problem: ClickHouseError) -> bytes:
        return problem.body(self.server.services.engine.version)

    def _send_text(self, status: int, text: str) -> None:
        self._send(status, {"Content-Type": responses.content_type(None)}, text.encode())

    def _send_json(self, answer: Any) -> None:
        body = json.dumps(answer).encode() + b"\n"
        self._send(200, {"Content-Type": responses.content_type("JSON")}, body)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a complete answer, once the request's unread rest is out of the way."""
        if not self._body.drain(_MAX_DRAINED_BYTES):
            self.close_connection = True
        connection = "close" if self.close_connection else "Keep-Alive"
        complete = {**headers, "Connection": connection, "Content-Length": str(len(body))}
        head = responses.head(status, complete)
        self.connection.sendall(head if self.command == "HEAD" else head + body)
