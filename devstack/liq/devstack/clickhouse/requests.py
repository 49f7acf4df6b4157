"""Parsing of a query request: the URL and the headers, besides the SQL in the body."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode

# Parameters of the interface itself, and settings of a server's HTTP side, which this module reads
# or ignores. All other parameters in the URL are settings for the engine.
_INTERFACE: Final = frozenset(
    {
        "query", "database", "default_format", "query_id", "user", "password", "quota_key",
        "session_id", "session_timeout", "session_check", "client_protocol_version",
        "wait_end_of_query", "buffer_size", "enable_http_compression",
        "http_zlib_compression_level", "http_wait_end_of_query", "send_progress_in_http_headers",
        "http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close",
        "http_write_exception_in_output_format",
    }
)  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class QueryRequest:
    """The parts of a query request, except the SQL in its body."""

    query: bytes
    query_id: str
    database: str | None
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    default_format: str


def parse_parameters(url_query: str) -> dict[str, str]:
    """Return the URL's parameters, the last of repeated ones. Any bytes are preserved."""
    return dict(parse_qsl(url_query, keep_blank_values=True, errors="surrogateescape"))


def parse_request(
    method: str, parameters: Mapping[str, str], headers: Mapping[str, str]
) -> QueryRequest:
    """Create the request from its parts.

    Raises:
        ClickHouseError: 48 for a body that this server cannot read, 408 for an invalid name.
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    form = headers.get("content-type", "").lower().startswith("multipart/form-data")
    if encoding != "identity" or form or parameters.get("decompress") == "1":
        raise ClickHouseError.named(
            ErrorCode.NOT_IMPLEMENTED,
            "The embedded ClickHouse reads neither compressed bodies nor forms; switch them off"
            " (compress=False), or set CLICKHOUSE=server for a server that reads them.",
        )
    settings = {
        _name(name): value
        for name, value in parameters.items()
        if name not in _INTERFACE and not name.startswith("param_")
    }
    if method != "POST":
        # The read-only mode 2 permits changes of settings, so it can be set with the others.
        settings["readonly"] = "2"
    return QueryRequest(
        query=parameters.get("query", "").encode("utf-8", "surrogateescape"),
        query_id=parameters.get("query_id") or str(uuid.uuid4()),
        database=parameters.get("database") or headers.get("x-clickhouse-database") or None,
        settings=settings,
        parameters={
            _name(name.removeprefix("param_")): value
            for name, value in parameters.items()
            if name.startswith("param_")
        },
        default_format=parameters.get("default_format")
        or headers.get("x-clickhouse-format")
        or "TabSeparated",
    )


def _name(name: str) -> str:
    """Return a name that is safe in SQL without quotes.

    Raises:
        ClickHouseError: 408 for any other name.
    """
    if not _NAME.fullmatch(name):
        raise ClickHouseError.named(
            ErrorCode.BAD_REQUEST_PARAMETER,
            f"{name!r} cannot be the name of a setting or a parameter.",
        )
    return name
