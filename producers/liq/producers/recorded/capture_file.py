"""The lines of a capture: a file or standard input, plain or gzipped, as they become available."""

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
# A line holds one frame, and JSON escapes at most sixfold.
MAX_LINE_BYTES: Final = 8 * MAX_FRAME_BYTES
WAIT_MS: Final = 250
GZIP_MAGIC: Final = b"\x1f\x8b"


class CaptureDamagedError(Exception):
    """The compressed stream is damaged or cut off; nothing after that can be read."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; `number` counts from 1. An overlong line is cut off."""

    number: int
    content: bytes
    is_too_long: bool = False


class CaptureFile:
    """A capture to be read once, from start to end.

    `name` is the file's name without its folder, or `stdin`.
    """

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        self._is_standard_input = path == STANDARD_INPUT
        self._path = path
        self.name = "stdin" if self._is_standard_input else Path(path).name
        try:
            # Unbuffered, so that a wait for the descriptor is a wait for data.
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
        """How many lines the file has, as far as it can be read; None for standard input."""
        if self._is_standard_input:
            return None
        return await asyncio.to_thread(_count_lines, self._path)

    async def lines(self, stop: asyncio.Event) -> AsyncIterator[Line]:
        """Every line in order, until the end or until `stop` is set.

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
    """Passes plain bytes on; if the first two are gzip's, gives what each chunk decompresses to.

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
        # One byte more than allowed is enough to know; the rest of an endless line is not kept.
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
    """Whether a read gives something (or the end) at once; waits a moment for it."""
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
