"""The declaration of an archive, and the items that its reader yields."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from liq.processors.normalizers.instruments import InstrumentBook
from liq.schemas.records import Liquidation


class UnusableFileError(ValueError):
    """A file cannot be imported as a whole; the message is a sentence with the reason."""


class Line(NamedTuple):
    """A line without its line ending; `number` counts from 1."""

    number: int
    content: bytes


class FileHead(NamedTuple):
    """The features by which an archive is recognized: path as given, and first two lines."""

    path: str
    first: bytes
    second: bytes = b""

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class ArchivedFrame:
    """A message in the form of the venue's feed, made of one line or of equal lines.

    `received_at_ms` is the archive's time of receipt, else the venue's time. `payload` are the
    archive's own bytes.

    `resume` is the line at which to resume after this message. Rows that arrived together are
    counted together, so all of them are read again unless this message is the last of them. Zero
    means the next line.
    """

    line: int
    exchange: str
    feed: str
    message: Any
    received_at_ms: int
    payload: bytes
    resume: int = 0


class ArchivedEvent(NamedTuple):
    """An event that was normalized before it was archived, with its line."""

    line: int
    event: Liquidation


class BadLine(NamedTuple):
    """A line, or a part of it, without an event: `reason` is a label, `detail` a sentence.

    `resume` is as in `ArchivedFrame`.
    """

    line: int
    reason: str
    detail: str
    resume: int = 0


Item = ArchivedFrame | ArchivedEvent | BadLine


def resume_line(item: Item) -> int:
    """Return the line at which to resume after an item."""
    return (0 if isinstance(item, ArchivedEvent) else item.resume) or item.line + 1


Reader = Callable[[Iterable[Line]], Iterator[Item]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A form of archive that can be imported.

    Attributes:
        name: The name for `--format`.
        title: A short description.
        ids: A sentence on whether its ids equal those of the live feed.
        recognizes: Return whether a file has this form, by its head alone.
        open: Return the reader of a file's lines (header included), which may look up contracts. It
            raises `UnusableFileError` for a file of another venue or kind.
    """

    name: str
    title: str
    ids: str
    recognizes: Callable[[FileHead], bool]
    open: Callable[[FileHead, InstrumentBook], Reader]
