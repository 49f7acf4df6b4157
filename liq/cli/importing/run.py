"""The import of files one after another: read, normalize, store a batch, store the position."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from liq.cli.importing.destinations import EventDestination
from liq.cli.importing.files import DamagedFileError, InputFile
from liq.cli.importing.journal import Journal, Place
from liq.cli.importing.parquet_rows import check_parquet, read_parquet
from liq.processors.archives import (
    ARCHIVES,
    Archive,
    BadLine,
    Importer,
    Item,
    UnusableFileError,
    find_archive,
    origin_of,
    resume_line,
)
from liq.processors.normalizers import InstrumentBook, NormalizerConfig
from liq.runtime.errors import ConfigurationError
from liq.schemas.client import SeenIds
from liq.schemas.records import Liquidation

BATCH_EVENTS: Final = 10_000
# The number of items between two checks for a stop.
ITEMS_A_TURN: Final = 2_000
# Parts of a file's path in the origin of its events: archives name hourly files by the hour only.
ORIGIN_PARTS: Final = 2


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file with a known format."""

    file: InputFile
    archive: Archive

    @property
    def origin(self) -> str:
        """The text in the source of its events."""
        name = "/".join(self.file.path.parts[-ORIGIN_PARTS:])
        member = f"/{self.file.member}" if self.file.member else ""
        return origin_of(self.archive.name, name + member)


@dataclass(slots=True)
class ImportReport:
    """The result of one file, or of all.

    `stored` counts the events that the destination has stored, `known` those that it already had,
    `repeats` those that occurred before in the file. `bad` counts lines by reason. `damage` is the
    reason why the rest of the file could not be read.
    """

    stored: int = 0
    known: int = 0
    repeats: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    damage: str = ""
    was_done: bool = False
    is_stopped: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the file has neither bad lines nor damage."""
        return not self.bad and not self.damage


@dataclass(frozen=True, slots=True)
class ImportCallbacks:
    """The callbacks of an import: bad lines, and the position in a file in bytes."""

    bad: Callable[[InputFile, BadLine], None]
    progress: Callable[[int], None]


def identify(
    files: Sequence[InputFile], form: str, *, nothing_done: str = "Nothing was imported."
) -> list[KnownFile]:
    """Return every file with its format, before any file is processed; skip empty files.

    Raises:
        ConfigurationError: a file has no known format, or is of another kind or venue.
    """
    known = []
    for file in files:
        try:
            archive = _form_of(file, form)
        except (UnusableFileError, DamagedFileError) as error:
            sentence = str(error) if isinstance(error, UnusableFileError) else _damaged(file, error)
            raise ConfigurationError(f"{nothing_done} {sentence}") from error
        if archive is not None:
            known.append(KnownFile(file, archive))
    return known


def _form_of(file: InputFile, form: str) -> Archive | None:
    if file.is_parquet:
        if form not in {"", "events"}:
            raise UnusableFileError(f"{file.label} is Parquet, which holds events, not {form}.")
        check_parquet(file.path)
        return ARCHIVES["events"]
    head = file.head()
    if not head.first.strip():
        return None
    archive = ARCHIVES[form] if form else find_archive(head)
    # Report a fault of any file before the import starts.
    archive.open(head, InstrumentBook(()))
    return archive


@dataclass(slots=True)
class EventImport:
    """The import of files to one open destination."""

    destination: EventDestination
    journal: Journal
    instruments: InstrumentBook
    config: NormalizerConfig
    callbacks: ImportCallbacks

    async def run(self, known: KnownFile, stop: asyncio.Event) -> ImportReport:
        """Import a file from the position in the journal.

        Raises:
            ConfigurationError: the journal cannot be written.
            DependencyError: the destination does not answer.
        """
        fingerprint = known.file.fingerprint()
        place = self.journal.place(fingerprint)
        if place.is_done:
            return ImportReport(was_done=True)
        importer = Importer(known.origin, self.instruments, self.config, is_new=SeenIds().is_new)
        batch = _Batch(self, known, fingerprint, place)
        try:
            for count, item in enumerate(self._items(known, place.line), start=1):
                for result in importer.read(item):
                    batch.add(result)
                await batch.reach(resume_line(item))
                if count % ITEMS_A_TURN == 0:
                    await asyncio.sleep(0)
                    if stop.is_set():
                        batch.report.is_stopped = True
                        break
        except DamagedFileError as error:
            batch.report.damage = _damaged(known.file, error)
        batch.report.repeats = importer.repeats
        await batch.finish()
        return batch.report

    def _items(self, known: KnownFile, first: int) -> Iterator[Item]:
        file = known.file
        if file.is_parquet:
            return read_parquet(file.path, first)
        lines = (line for line in file.lines(self.callbacks.progress) if line.number >= first)
        return known.archive.open(file.head(), self.instruments)(lines)


@dataclass(slots=True)
class _Batch:
    """The events that are not stored yet, and the position after them."""

    of: EventImport
    known: KnownFile
    fingerprint: str
    place: Place
    report: ImportReport = field(default_factory=ImportReport)
    events: list[Liquidation] = field(default_factory=list)

    def add(self, result: Liquidation | BadLine) -> None:
        if isinstance(result, BadLine):
            self._refuse(result)
        else:
            self.events.append(result)

    async def reach(self, line: int) -> None:
        self.place.line = line
        if len(self.events) >= BATCH_EVENTS:
            await self._store()

    async def finish(self) -> None:
        """Store the remaining events; mark the file as finished unless it stopped or is damaged."""
        self.place.is_done = not self.report.is_stopped and not self.report.damage
        await self._store()

    async def _store(self) -> None:
        if self.events:
            brought_by = origin_of(self.known.archive.name, "")
            stored = await self.of.destination.store(self.events, brought_by)
            self.report.stored += stored.count
            self.report.known += stored.known
            for bad in stored.refused:
                self._refuse(bad)
            self.events = []
        self.of.journal.note(self.fingerprint, self.place)

    def _refuse(self, bad: BadLine) -> None:
        self.report.bad[bad.reason] += 1
        self.of.callbacks.bad(self.known.file, bad)


def _damaged(file: InputFile, error: DamagedFileError) -> str:
    return f"{file.label} cannot be read on: {error}."
