"""ClickHouse's numbered errors, and the HTTP status of each."""

import re
from enum import IntEnum
from http import HTTPStatus
from typing import Self

_ENGINE_TEXT = re.compile(r"Code: (\d+)\. DB::Exception: ", re.DOTALL)


class ErrorCode(IntEnum):
    """The errors that this process raises itself; the engine raises many more."""

    CANNOT_READ_ALL_DATA = 33
    NOT_IMPLEMENTED = 48
    SYNTAX_ERROR = 62
    UNKNOWN_DATABASE = 81
    QUERY_IS_TOO_LARGE = 229
    BAD_REQUEST_PARAMETER = 408
    AUTHENTICATION_FAILED = 516
    STD_EXCEPTION = 1001


# The codes with another HTTP status than 500 (checked against ClickHouse's sources, November 2026).
# Their names are in system.errors and in errorCodeToName().
_BAD_REQUEST = (
    {6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321}
    | {376, 427, 441, 675, 676}
)  # fmt: skip
_NOT_FOUND = {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511}
_FORBIDDEN = {192, 193, 497, 512, 516}
_OTHER = {
    48: HTTPStatus.NOT_IMPLEMENTED,
    76: HTTPStatus.SERVICE_UNAVAILABLE,
    159: HTTPStatus.REQUEST_TIMEOUT,
    194: HTTPStatus.UNAUTHORIZED,
    209: HTTPStatus.SERVICE_UNAVAILABLE,
    229: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    381: HTTPStatus.LENGTH_REQUIRED,
    439: HTTPStatus.SERVICE_UNAVAILABLE,
    779: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


def http_status(code: int) -> HTTPStatus:
    """Return the HTTP status that a ClickHouse server sends with an error code."""
    if code in _BAD_REQUEST:
        return HTTPStatus.BAD_REQUEST
    if code in _NOT_FOUND:
        return HTTPStatus.NOT_FOUND
    if code in _FORBIDDEN:
        return HTTPStatus.FORBIDDEN
    return _OTHER.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)


class ClickHouseError(Exception):
    """An error with ClickHouse's number, raised by the engine or by this process."""

    def __init__(self, code: int, text: str) -> None:
        """Create an error with its number and the complete text for the client."""
        super().__init__(text)
        self.code = int(code)
        self.text = text

    @classmethod
    def named(cls, code: ErrorCode, reason: str) -> Self:
        """Create an error of this process in the form of the engine's errors."""
        return cls(code, f"Code: {code.value}. DB::Exception: {reason} ({code.name})")

    @classmethod
    def from_engine(cls, text: str) -> Self:
        """Parse the number in the engine's message, and remove a wrapper's prefix."""
        found = _ENGINE_TEXT.search(text)
        if found is None:
            return cls.named(ErrorCode.STD_EXCEPTION, text)
        return cls(int(found.group(1)), text[found.start() :].strip())

    def body(self, version: str) -> bytes:
        """Return the response body: the text with the version at its end, like a server's."""
        ending = f" (version {version})"
        return f"{self.text.removesuffix(ending)}{ending}\n".encode()
