"""The lines of a capture, read from a file or standard input, plain or gzipped, as they arrive."""

import asyncio
import select
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Final

from liq.producers.feeds.frames import MAX_FRAME_BYTES, new_gzip_decoder
from liq.runtime.errors import ConfigurationError

STANDARD_INPUT: Final = "-"
CHUNK_BYTES: Final = 65_536
# A line has one frame, whose size JSON's escapes multiply by at most six.
MAX_LINE_BYTES: Final = 8 * MAX_FRAME_BYTES
WAIT_MS: Final = 250
GZIP_MAGIC: Final = b"\x1f\x8b"


class CaptureDamagedError(Exception):
    """The compressed stream is damaged or cut off; the rest cannot be read."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; `number` counts from 1. An overlong line has no content."""

    number: int
    content: bytes
    is_too_long: bool = False


class CaptureFile:
    """A capture that can be read once, from start to end.

    `name` is the file's name without its folder, or `stdin`.
    """

    def __init__(self, path: str) -> None:
        """Open the capture; `-` is standard input.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        self._is_standard_input = path == STANDARD_INPUT
        self._path = path
        self.name = "stdin" if self._is_standard_input else Path(path).name
        try:
            # Unbuffered, so that polling the descriptor waits for all unread data.
            self._raw = FileIO(0, closefd=False) if self._is_standard_input else FileIO(path)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot read the capture {path} ({error.strerror}); give the path of a capture, "
                "or - for standard input."
            ) from error

    def close(self) -> None:
        """Close the file; standard input stays open."""
        self._raw.close()

    async def count_lines(self) -> int | None:
        """Return the number of readable lines of the file; None for standard input."""
        if self._is_standard_input:
            return None
        return await asyncio.to_thread(_count_lines, self._path)

    async def lines(self, stop: asyncio.Event) -> AsyncIterator[Line]:
        """Yield every line in order, until the end or until `stop` is set.

        Raises:
            CaptureDamagedError: the compressed stream is damaged.
        """
        splitter = _LineSplitter()
        decoder = _Decoder()
        while not stop.is_set():
            if not await asyncio.to_thread(_wait_for_data, self._raw):
                continue
            chunk = self._raw.read(CHUNK_BYTES)
            for line in splitter.feed(decoder.feed(chunk) if chunk else decoder.finish()):
                yield line
            if not chunk:
                for line in splitter.finish():
                    yield line
                return


class _Decoder:
    """A decoder that decompresses gzip, recognized by its first two bytes, and passes plain bytes.

    Files may consist of several gzip members.
    """

    def __init__(self) -> None:
        self._start = b""
        self._is_decided = False
        self._member: Any = None

    def feed(self, chunk: bytes) -> bytes:
        if not self._is_decided:
            self._start += chunk
            if len(self._start) < len(GZIP_MAGIC):
                return b""
            chunk, self._is_decided = self._start, True
            if chunk.startswith(GZIP_MAGIC):
                self._member = new_gzip_decoder()
        return chunk if self._member is None else self._decompress(chunk)

    def finish(self) -> bytes:
        if self._member is not None and not self._member.eof:
            raise CaptureDamagedError("the gzip stream is cut off")
        return b"" if self._is_decided else self._start

    def _decompress(self, chunk: bytes) -> bytes:
        parts = []
        while chunk:
            if self._member.eof:
                self._member = new_gzip_decoder()
            try:
                parts.append(self._member.decompress(chunk))
            except zlib.error as error:
                raise CaptureDamagedError(f"the gzip stream is damaged: {error}") from error
            chunk = self._member.unused_data
        return b"".join(parts)


class _LineSplitter:
    def __init__(self) -> None:
        self._rest = b""
        self._number = 0

    def feed(self, data: bytes) -> list[Line]:
        *complete, rest = data.split(b"\n")
        lines = []
        for piece in complete:
            lines.append(self._line(self._rest + piece))
            self._rest = b""
        # One byte more than allowed marks an overlong line; the rest of the line is dropped.
        self._rest = (self._rest + rest)[: MAX_LINE_BYTES + 1]
        return lines

    def finish(self) -> list[Line]:
        return [self._line(self._rest)] if self._rest else []

    def _line(self, content: bytes) -> Line:
        self._number += 1
        if len(content) > MAX_LINE_BYTES:
            return Line(self._number, b"", is_too_long=True)
        return Line(self._number, content)


def _wait_for_data(raw: FileIO) -> bool:
    """Wait up to `WAIT_MS` for data or the end; return whether a read returns at once."""
    poll = select.poll()
    poll.register(raw, select.POLLIN)
    return bool(poll.poll(WAIT_MS))


def _count_lines(path: str) -> int:
    count = 0
    last = b""
    decoder = _Decoder()
    with FileIO(path) as raw:
        while chunk := raw.read(CHUNK_BYTES):
            try:
                data = decoder.feed(chunk)
            except CaptureDamagedError:
                break
            count += data.count(b"\n")
            last = data or last
    return count + (0 if last.endswith(b"\n") or not last else 1)
