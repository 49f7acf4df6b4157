"""Answers as bytes: status line and headers, chunks, and errors within a stream."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus

# A server sends at most this much of a message into a stream.
_MAX_STREAMED_MESSAGE_BYTES = 16 * 1024
_CONTENT_TYPES = {
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "native": "application/octet-stream",
    "rowbinary": "application/octet-stream",
    "arrow": "application/vnd.apache.arrow.file",
    "arrowstream": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}


def content_type(output_format: str | None) -> str:
    """Return the Content-Type of an output format."""
    return _CONTENT_TYPES.get((output_format or "").lower(), "text/plain; charset=UTF-8")


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return status line and headers."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {text}" for name, text in headers.items())]
    # A line break within a value (a query id, say) would end the headers early.
    clean = [line.replace("\r", " ").replace("\n", " ") for line in lines]
    return ("\r\n".join(clean) + "\r\n\r\n").encode("latin-1", "replace")


def new_exception_tag() -> str:
    """Return a tag that no data can guess, to mark an error within a stream."""
    return secrets.token_hex(8)


def tagged_exception(message: bytes, tag: str) -> bytes:
    """Return an error as servers since 25.11 write it into a stream that has already begun."""
    text = message.strip()[:_MAX_STREAMED_MESSAGE_BYTES]
    return b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n" % (
        tag.encode(), text, len(text) + 1, tag.encode(),
    )  # fmt: skip


def chunk(data: bytes) -> bytes:
    """Return data as one chunk of a chunked body; no data is no chunk, for that would end it."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


LAST_CHUNK = b"0\r\n\r\n"
