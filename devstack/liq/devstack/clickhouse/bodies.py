"""Reading of an HTTP/1.1 request body piece by piece, with a known length or in chunks."""

from collections.abc import Iterator, Mapping
from io import BufferedIOBase

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode

_PIECE_BYTES = 256 * 1024
_MAX_LINE_BYTES = 8192


class RequestBody:
    """The body of one request. Iteration yields its pieces; `drain` skips the unread rest."""

    def __init__(self, stream: BufferedIOBase, headers: Mapping[str, str]) -> None:
        """Prepare to read the body that the headers announce; header names are in lower case."""
        self._stream = stream
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "0")
        self._pieces = self._read_chunks() if chunked else self._read_announced(length)

    def __iter__(self) -> Iterator[bytes]:
        """Return the iterator of the unread pieces.

        Raises:
            ClickHouseError: 33 if the client stops before the announced end, 408 for an invalid
                length. Rows of such a request must not be stored, because they may be incomplete.
        """
        return self._pieces

    def drain(self, limit_bytes: int) -> bool:
        """Skip the rest, up to a limit; return whether the next request can follow."""
        skipped = 0
        try:
            for piece in self._pieces:
                skipped += len(piece)
                if skipped > limit_bytes:
                    return False
        except ClickHouseError:
            return False
        return True

    def _read_announced(self, length: str) -> Iterator[bytes]:
        if not (length.isascii() and length.isdigit()):
            raise ClickHouseError.named(
                ErrorCode.BAD_REQUEST_PARAMETER, f"Content-Length {length!r} is not a length."
            )
        yield from self._read_bytes(int(length))

    def _read_bytes(self, length: int) -> Iterator[bytes]:
        remaining = length
        while remaining:
            piece = self._stream.read1(min(remaining, _PIECE_BYTES))
            if not piece:
                raise _cut_short()
            remaining -= len(piece)
            yield piece

    def _read_chunks(self) -> Iterator[bytes]:
        while True:
            size_text = self._line().split(b";")[0].strip()
            try:
                size = int(size_text, 16)
            except ValueError:
                raise _cut_short() from None
            if size < 0:
                raise _cut_short()
            if size == 0:
                break
            yield from self._read_bytes(size)
            self._line()
        while self._line():  # trailers
            pass

    def _line(self) -> bytes:
        line = self._stream.readline(_MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise _cut_short()
        return line.strip()


def _cut_short() -> ClickHouseError:
    return ClickHouseError.named(
        ErrorCode.CANNOT_READ_ALL_DATA, "The request body ends before its announced end."
    )
