"""Checks whether a service answers in its own protocol."""

import socket
import struct
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import urlopen

TIMEOUT_SECONDS = 2.0
_API_VERSIONS = 18
_CORRELATION_ID = 1


def answers_http(url: str) -> bool:
    """Return whether a GET request returns status 200."""
    try:
        with urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - our own services
            return bool(answer.status == 200)  # noqa: PLR2004 - the status itself
    except (URLError, HTTPException, TimeoutError, ConnectionError):
        return False


def answers_kafka(host: str, port: int) -> bool:
    """Return whether a broker answers ApiVersions (version 0), the first request of a client."""
    # Header: api key, api version, correlation id, null client id; the request has no body.
    header = struct.pack(">hhih", _API_VERSIONS, 0, _CORRELATION_ID, -1)
    try:
        with socket.create_connection((host, port), TIMEOUT_SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(header)) + header)
            answer = connection.makefile("rb").read(10)
    except (TimeoutError, ConnectionError):
        return False
    if len(answer) < 10:  # noqa: PLR2004 - size, correlation id and error code
        return False
    _size, correlation_id, error_code = struct.unpack(">iih", answer)
    return bool(correlation_id == _CORRELATION_ID and error_code == 0)
