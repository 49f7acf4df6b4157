"""Conversion of third-party archives of liquidations to messages of the venues: pure functions.

Each module describes one archive: how to recognize its files, and how to convert its lines to the
messages of the venue's own feed. The normalizers then apply their usual rules, so that side,
contract size, kind of price and id are decided in one place. docs/history.md lists the archives.
"""

from liq.processors.archives.entries import (
    Archive,
    ArchivedEvent,
    ArchivedFrame,
    BadLine,
    FileHead,
    Item,
    Line,
    UnusableFileError,
    resume_line,
)
from liq.processors.archives.importer import Importer, origin_of
from liq.processors.archives.own_events import event_of_row
from liq.processors.archives.registry import ARCHIVES, find_archive

__all__ = [
    "ARCHIVES",
    "Archive",
    "ArchivedEvent",
    "ArchivedFrame",
    "BadLine",
    "FileHead",
    "Importer",
    "Item",
    "Line",
    "UnusableFileError",
    "event_of_row",
    "find_archive",
    "origin_of",
    "resume_line",
]
