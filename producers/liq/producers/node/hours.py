"""The files of a node's fills: `TREE/hourly/DAY/HOUR`, one per hour, plain or compressed (lz4)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import lz4.frame

from liq.producers.node.positions import CHECKED_BYTES, Hour, check_before, check_of

TREES: Final = ("node_fills_by_block", "node_fills_streaming", "node_fills")
#: The chunk of a file that is read at once; a longer line makes it longer.
CHUNK_BYTES: Final = 4 * 1024 * 1024
STEP_BYTES: Final = 256 * 1024
#: A line is a block, and the largest block known had 11,279 liquidations, about 12 MiB.
MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_DAY = re.compile(r"[0-9]{8}", re.ASCII)
_HOUR = re.compile(r"([0-9]{1,2})(\.lz4)?", re.ASCII)


class NotATreeError(Exception):
    """Error of a folder without fills of a node, or with fills in several forms."""


class DamagedHourError(Exception):
    """Error of a compressed file that cannot be read further; the message has the reason."""


def find_tree(folder: Path) -> Path:
    """Return the folder of days of a node's fills: the given folder, or one below it.

    Raises:
        NotATreeError: there is no such folder, or there are several.
    """
    candidates = [folder, folder / "hourly"]
    for base in (folder, folder / "data"):
        candidates += [base / tree / "hourly" for tree in TREES]
    found = [each for each in candidates if each.is_dir() and _may_hold_days(each)]
    example = "give one such as ~/hl/data/node_fills_by_block."
    if not found:
        raise NotATreeError(f"{folder} holds no fills of a node (hourly/DAY/HOUR); {example}")
    if len(found) > 1:
        names = ", ".join(str(each) for each in found)
        raise NotATreeError(f"{folder} holds fills in several forms ({names}); {example}")
    return found[0]


def _may_hold_days(folder: Path) -> bool:
    names = _names(folder)
    return any(map(_DAY.fullmatch, names)) or (folder.name == "hourly" and not names)


def list_hours(tree: Path, first: Hour | None = None) -> dict[Hour, Path]:
    """Return the files from an hour on, in order; a plain file instead of its compressed copy.

    Raises:
        OSError: the tree cannot be read.
    """
    found: dict[Hour, Path] = {}
    for name in _names(tree):
        if _DAY.fullmatch(name) is None or (first is not None and int(name) < first.day):
            continue
        try:
            entries = _names(tree / name)
        except (NotADirectoryError, FileNotFoundError):
            continue
        for entry in entries:
            match = _HOUR.fullmatch(entry)
            if match is not None:
                found.setdefault(Hour(int(name), int(match[1])), tree / name / entry)
    return {hour: found[hour] for hour in sorted(found) if first is None or hour >= first}


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Line(NamedTuple):
    """A line, the offset behind it, and the check of the file up to there."""

    text: bytes
    end: int
    check: str


@dataclass(slots=True)
class HourFile:
    """Reader of one growing file. `offset` is where the next line begins, in plain bytes.

    `version` increases when the file is replaced: it is shorter than `offset`, or the line before
    `offset` has not the `check`. `is_skipping` is set inside a line that exceeds `MAX_LINE_BYTES`.
    """

    path: Path
    offset: int = 0
    version: int = 0
    check: str = ""
    is_skipping: bool = False
    #: The end of the line that begins before the offset, if one does.
    _begun: bytes = b""
    _seen: tuple[int, ...] = (-1,)
    _stream: BinaryIO | None = None
    _rest: bytes = b""
    _damage: str = ""
    _judged_bytes: int = 0

    @property
    def is_compressed(self) -> bool:
        """Whether the file is compressed; its last line then needs no newline."""
        return self.path.suffix == ".lz4"

    def has_more(self) -> bool:
        """Return whether there may be something to read.

        Raises:
            OSError: the file is gone.
        """
        return self._stream is not None or bool(self._damage) or self._state() != self._seen

    def read_lines(self) -> list[Line]:
        """Return the next whole lines; no lines at the end.

        A line beyond `MAX_LINE_BYTES` is returned cut off, and the rest of it is skipped. A file
        that was replaced is read from its beginning.

        Raises:
            OSError: the file is gone.
            DamagedHourError: the compressed file is cut off or damaged; earlier lines are valid.
        """
        if self._damage:
            damage, self._damage = self._damage, ""
            raise DamagedHourError(f"{self.path} cannot be read on: {damage}")
        state = self._state()
        data, is_end = self._read_compressed() if self.is_compressed else self._read_plain()
        whole = data.rfind(b"\n") + 1
        if whole == 0 and len(data) > MAX_LINE_BYTES:
            return self._too_long(data)
        rest = data[whole:]
        if is_end:
            self._seen = state
            if self.is_compressed:
                self._close()
                data += b"\n" if rest and not self._damage else b""
        elif self.is_compressed:
            self._rest = rest
        return self._lines(data)

    def end_without_newline(self, line: bytes) -> Line:
        """Return the file's last line, which `unended` returned and which is whole."""
        self.offset += len(line)
        self.check = check_of(line)
        return Line(line, self.offset, self.check)

    def unended(self) -> bytes:
        """Return the bytes behind the last newline of a plain file, once for each of its sizes.

        Raises:
            OSError: the file is gone.
        """
        size = self._seen[0]
        if self.is_compressed or size <= self.offset or size == self._judged_bytes:
            return b""
        self._judged_bytes = size
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(MAX_LINE_BYTES)

    def _lines(self, data: bytes) -> list[Line]:
        lines = []
        for line in data.split(b"\n")[:-1]:
            self.offset += len(line) + 1
            self.check = check_of(self._begun + line[-CHECKED_BYTES:])
            if not self.is_skipping and line.strip():
                lines.append(Line(line, self.offset, self.check))
            self.is_skipping, self._begun = False, b""
        return lines

    def _too_long(self, data: bytes) -> list[Line]:
        self._rest = b""
        self.offset += len(data)
        self._begun = (self._begun + data[-CHECKED_BYTES:])[-CHECKED_BYTES:]
        self.check = check_of(self._begun)
        lines = [] if self.is_skipping else [Line(data, self.offset, self.check)]
        self.is_skipping = True
        return lines

    def _state(self) -> tuple[int, ...]:
        stat = self.path.stat()
        return stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns

    def _read_plain(self) -> tuple[bytes, bool]:
        with self.path.open("rb") as file:
            begin = max(0, self.offset - CHECKED_BYTES - 1)
            file.seek(begin)
            before = file.read(self.offset - begin)
            self._compare(before, is_shorter=begin + len(before) < self.offset)
            file.seek(self.offset)
            return _until_newline(file, b"")

    def _read_compressed(self) -> tuple[bytes, bool]:
        rest, self._rest = self._rest, b""
        try:
            if self._stream is None:
                self._stream = lz4.frame.open(self.path)
                before, missing = _pass(self._stream, self.offset)
                # The offset counts a newline that the last line may lack.
                if not self._compare(before, is_shorter=missing > 1):
                    self._stream.seek(0)
            return _until_newline(self._stream, rest)
        except DamagedStreamError as error:
            self._damage = str(error)
            return error.data, True
        except (EOFError, RuntimeError) as error:
            self._damage = str(error) or "it is cut off"
            return rest, True

    def _compare(self, before: bytes, *, is_shorter: bool) -> bool:
        """Compare the text before the offset with the check; begin again if it is another file's.

        A cursor of an earlier release has no check, and gets that of the file.
        """
        found = check_before(before) if self.offset else ""
        self.check = self.check or found
        is_same = not is_shorter and found == self.check
        if not is_same:
            self.offset, self.check, self.is_skipping, before = 0, "", False, b""
            self.version, self._judged_bytes = self.version + 1, 0
        self._begun = b"" if before.endswith(b"\n") else before.rpartition(b"\n")[2]
        return is_same

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class DamagedStreamError(Exception):
    """Error of a compressed stream that is damaged behind `data`."""

    def __init__(self, reason: str, data: bytes) -> None:
        super().__init__(reason)
        self.data = data


def _until_newline(file: BinaryIO, rest: bytes) -> tuple[bytes, bool]:
    """Return a chunk, with a newline if one is within a line's limit, and whether the file ends.

    Raises:
        DamagedStreamError: the rest of the stream is damaged.
    """
    data = bytearray(rest)
    while True:
        try:
            step = file.read(STEP_BYTES)
        except (EOFError, RuntimeError) as error:
            raise DamagedStreamError(str(error) or "it is cut off", bytes(data)) from error
        data += step
        if len(step) < STEP_BYTES:
            return bytes(data), True
        if len(data) > MAX_LINE_BYTES or (len(data) >= CHUNK_BYTES and b"\n" in data):
            return bytes(data), False


def _pass(stream: BinaryIO, size: int) -> tuple[bytes, int]:
    """Skip `size` decompressed bytes; return the end of them, and how many the stream lacks."""
    end = b""
    while size > 0 and (data := stream.read(min(size, STEP_BYTES))):
        size -= len(data)
        end = (end + data)[-CHECKED_BYTES - 1 :]
    return end, size
