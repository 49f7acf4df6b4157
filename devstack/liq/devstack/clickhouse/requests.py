"""A query request: what the URL, the headers and a form say besides the SQL."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode
from liq.devstack.clickhouse.multipart import Form

DEFAULT_SESSION_TIMEOUT_S = 60
MAX_SESSION_TIMEOUT_S = 3600

# Parameters of the interface itself. Everything else in the URL is a setting for the engine.
_INTERFACE = frozenset(
    {
        "query", "database", "default_format", "query_id", "session_id", "session_timeout",
        "session_check", "close_session", "user", "password", "quota_key", "role", "stacktrace",
        "wait_end_of_query", "buffer_size", "compress", "decompress", "client_protocol_version",
    }
)  # fmt: skip
# Settings that steer a server's HTTP side, not the engine: here they are read or have no effect.
_TRANSPORT = frozenset(
    {
        "enable_http_compression", "http_zlib_compression_level", "http_wait_end_of_query",
        "send_progress_in_http_headers", "http_headers_progress_interval_ms",
        "cancel_http_readonly_queries_on_client_close", "http_response_buffer_size",
        "http_write_exception_in_output_format", "add_http_cors_header",
    }
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TRUE = frozenset({"1", "true"})


@dataclass(frozen=True)
class SessionRequest:
    """The session a request wants to run in."""

    session_id: str
    timeout_s: int
    must_exist: bool
    close_after: bool


@dataclass(frozen=True)
class ExternalTable:
    """A table that a form's file holds for the time of one query."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True)
class QueryRequest:
    """All that shapes one query except its SQL in the body."""

    query: bytes
    query_id: str
    database: str | None
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    session: SessionRequest | None
    external_tables: tuple[ExternalTable, ...]
    default_format: str
    buffered: bool  # the whole result is computed before the first byte is sent
    read_only: bool
    accept_encoding: str  # empty when the client did not switch compression on


def parse_parameters(url_query: str) -> dict[str, str]:
    """Return the URL's parameters; of a repeated one the last counts. Bytes survive as they are."""
    return dict(parse_qsl(url_query, keep_blank_values=True, errors="surrogateescape"))


def parse_request(
    method: str, url_parameters: Mapping[str, str], headers: Mapping[str, str], form: Form
) -> QueryRequest:
    """Build the request from its parts.

    Raises:
        ClickHouseError: A parameter has a value no server accepts.
    """
    form_fields = {name: _text(value) for name, value in form.fields.items()}
    parameters = {**url_parameters, **form_fields}
    for name in ("compress", "decompress"):
        if parameters.get(name) in _TRUE:
            raise ClickHouseError.named(
                ErrorCode.NOT_IMPLEMENTED,
                f"{name}=1 (ClickHouse's own block compression) is not available in the embedded"
                " ClickHouse; use Content-Encoding and Accept-Encoding.",
            )
    external = tuple(_external_table(name, data, parameters) for name, data in form.files.items())
    return QueryRequest(
        query=_bytes(url_parameters.get("query", "")) + form.fields.get("query", b""),
        query_id=parameters.get("query_id") or str(uuid.uuid4()),
        database=parameters.get("database") or headers.get("x-clickhouse-database") or None,
        settings=_settings(parameters, external),
        parameters={
            _name(name.removeprefix("param_")): value
            for name, value in parameters.items()
            if name.startswith("param_")
        },
        session=_session(parameters),
        external_tables=external,
        default_format=parameters.get("default_format")
        or headers.get("x-clickhouse-format")
        or "TabSeparated",
        buffered=parameters.get("wait_end_of_query") in _TRUE
        or parameters.get("http_wait_end_of_query") in _TRUE,
        read_only=method in {"GET", "HEAD"},
        accept_encoding=headers.get("accept-encoding", "")
        if parameters.get("enable_http_compression") in _TRUE
        else "",
    )


def _settings(parameters: Mapping[str, str], external: tuple[ExternalTable, ...]) -> dict[str, str]:
    of_tables = {
        f"{table.name}_{part}" for table in external for part in ("format", "structure", "types")
    }
    settings = {}
    for name, value in parameters.items():
        if name in _INTERFACE | _TRANSPORT | of_tables or name.startswith("param_"):
            continue
        settings[_name(name)] = value
    return settings


def _session(parameters: Mapping[str, str]) -> SessionRequest | None:
    session_id = parameters.get("session_id")
    if not session_id:
        return None
    timeout = parameters.get("session_timeout", str(DEFAULT_SESSION_TIMEOUT_S))
    if not timeout.isascii() or not timeout.isdigit() or int(timeout) > MAX_SESSION_TIMEOUT_S:
        raise ClickHouseError.named(
            ErrorCode.INVALID_SESSION_TIMEOUT,
            f"session_timeout is whole seconds up to {MAX_SESSION_TIMEOUT_S}, not {timeout!r}.",
        )
    return SessionRequest(
        session_id,
        int(timeout),
        must_exist=parameters.get("session_check") in _TRUE,
        close_after=parameters.get("close_session") in _TRUE,
    )


def _external_table(name: str, data: bytes, parameters: Mapping[str, str]) -> ExternalTable:
    structure = parameters.get(f"{_name(name)}_structure")
    if structure is None:
        types = parameters.get(f"{name}_types")
        if types is None:
            raise ClickHouseError.named(
                ErrorCode.BAD_ARGUMENTS,
                f"External table {name} needs {name}_structure or {name}_types.",
            )
        structure = ", ".join(f"_{n} {kind}" for n, kind in enumerate(split_types(types), 1))
    return ExternalTable(name, structure, parameters.get(f"{name}_format", "TabSeparated"), data)


def split_types(types: str) -> list[str]:
    """Split a list of column types at its commas, not at those inside a type's parentheses."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(types):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(types[start:position].strip())
            start = position + 1
    return [*parts, types[start:].strip()]


def _name(name: str) -> str:
    """Return a name that may stand in SQL as it is."""
    if not _NAME.fullmatch(name):
        raise ClickHouseError.named(
            ErrorCode.BAD_REQUEST_PARAMETER,
            f"{name!r} cannot be the name of a setting, a parameter or an external table.",
        )
    return name


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
