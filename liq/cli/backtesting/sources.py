"""Stored events in log order, from files or ClickHouse, as observations of the detector."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from liq.cli.importing.files import DamagedFileError
from liq.cli.importing.parquet_rows import read_columns
from liq.cli.importing.run import KnownFile
from liq.processors.archives import ARCHIVES, BadLine, Importer
from liq.processors.archives.own_events import HEARTBEAT
from liq.processors.cascades import decode_observation
from liq.processors.cascades.observation import (
    EventView,
    Observation,
    cents,
    is_plausible,
    view_event,
)
from liq.processors.normalizers import InstrumentBook, NormalizerConfig
from liq.runtime.errors import ConfigurationError
from liq.schemas.client import SeenIds
from liq.schemas.codec import DecodeError
from liq.schemas.vocabulary import Completeness, Side

CHUNK_EVENTS: Final = 10_000
# The most ids to remember, by which events in two files are recognized.
MAX_IDS: Final = 500_000
Chunk = list[Observation]
_BLOCK_SETTINGS: Final = {"max_block_size": CHUNK_EVENTS}
_STORED: Final = """
SELECT event_id, base, toString(side), exchange, symbol,
    toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(received_at),
    value_usd, price, completeness, price_kind
FROM liquidations FINAL
WHERE timestamp >= {since:DateTime64(3)} AND timestamp < {until:DateTime64(3)}
ORDER BY received_at, timestamp, event_id
"""
COLUMNS: Final = (
    "event_id",
    "base",
    "side",
    "exchange",
    "symbol",
    "timestamp",
    "received_at",
    "value_usd",
    "price",
    "completeness",
    "price_kind",
)
_COMPLETE: Final = Completeness.COMPLETE.value
_SIDES: Final = {side.value: side for side in Side}


@dataclass(slots=True)
class SourceCounts:
    """The counts of a source besides usable events: bad lines, and implausible numbers."""

    bad_lines: int = 0
    implausible: int = 0
    first_bad: str = ""


@dataclass(slots=True)
class Source:
    """A source of events in the order of their receipt; reading it fills `counts`."""

    description: str
    events: Iterable[Observation]
    counts: SourceCounts = field(default_factory=SourceCounts)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the events in chunks."""
        found = iter(self.events)
        while chunk := list(islice(found, CHUNK_EVENTS)):
            yield chunk


def of_files(
    known: list[KnownFile], instruments: InstrumentBook, config: NormalizerConfig
) -> Source:
    """Return the events of files, merged by their times of receipt.

    Each file must be in that order, as exports and archives are. A file is opened when the log
    reaches its first event, so that years of daily files need few open files.

    Raises:
        ConfigurationError: while events are read: a file is damaged.
    """
    counts = SourceCounts()
    names = [each.file.label for each in known]
    description = names[0] if len(names) == 1 else f"{len(names)} files, from {names[0]}"
    is_new = SeenIds(MAX_IDS).is_new
    streams = [_Stream(each, instruments, config, counts, is_new) for each in known]
    return Source(description, merged(streams), counts)


def of_clickhouse(client: Any, since: datetime, until: datetime) -> Source:
    """Return the events of a period in ClickHouse, each once; `client` logs in as a reader."""
    counts = SourceCounts()
    description = f"ClickHouse, {since:%Y-%m-%d} to {until:%Y-%m-%d}"
    return Source(description, _stored(client, since, until, counts), counts)


def _stored(
    client: Any, since: datetime, until: datetime, counts: SourceCounts
) -> Iterator[Observation]:
    parameters = {"since": since, "until": until}
    stream = client.query_row_block_stream(_STORED, parameters, settings=_BLOCK_SETTINGS)
    with stream as blocks:
        for block in blocks:
            yield from observations_of(block, counts)


def observations_of(rows: Iterable[Sequence[Any]], counts: SourceCounts) -> Iterator[Observation]:
    """Yield the events of rows with the columns of `COLUMNS`."""
    for row in rows:
        *names, value_usd, price, completeness, price_kind = row
        if not is_plausible(price, value_usd):
            counts.implausible += 1
            continue
        event_id, base, side, exchange, symbol, timestamp_ms, received_at_ms = names
        yield Observation(
            event_id,
            base,
            _SIDES[side],
            exchange,
            symbol,
            timestamp_ms,
            received_at_ms,
            cents(value_usd),
            price,
            completeness == _COMPLETE,
            price_kind,
        )


@dataclass(slots=True)
class _Stream:
    """The events of one file, without those of another file."""

    known: KnownFile
    instruments: InstrumentBook
    config: NormalizerConfig
    counts: SourceCounts
    is_new: Callable[[str], bool]

    def first_ms(self) -> int | None:
        """Return the time of receipt of the first event (ms); None for a file without events."""
        quiet = replace(self, counts=SourceCounts(), is_new=lambda _: True)
        return next((event.received_at_ms for event in quiet.events()), None)

    def events(self) -> Iterator[Observation]:
        """Yield the events in the file's order.

        Raises:
            ConfigurationError: the file is damaged.
        """
        try:
            yield from self._found()
        except DamagedFileError as error:
            raise ConfigurationError(
                f"{self.known.file.label} cannot be read on: {error}; leave it out, or mend it."
            ) from error

    def _found(self) -> Iterator[Observation]:
        file = self.known.file
        if file.is_parquet:
            found = observations_of(read_columns(file.path, COLUMNS), self.counts)
        elif self.known.archive is ARCHIVES["events"]:
            found = self._decoded()
        else:
            found = self._normalized()
        return (event for event in found if self.is_new(event.event_id))

    def _decoded(self) -> Iterator[Observation]:
        for line in self.known.file.lines():
            if not line.content.strip() or line.content.startswith(HEARTBEAT):
                continue
            try:
                view = decode_observation(line.content, takes_history=True)
            except DecodeError as error:
                self._refuse(BadLine(line.number, "malformed_line", str(error)))
            else:
                yield from self._usable(view)

    def _normalized(self) -> Iterator[Observation]:
        file = self.known.file
        importer = Importer(self.known.origin, self.instruments, self.config, is_new=lambda _: True)
        for item in self.known.archive.open(file.head(), self.instruments)(file.lines()):
            for result in importer.read(item):
                if isinstance(result, BadLine):
                    self._refuse(result)
                else:
                    yield from self._usable(view_event(result, takes_history=True))

    def _usable(self, view: EventView) -> Iterator[Observation]:
        if isinstance(view, Observation):
            yield view
        else:
            self.counts.implausible += 1

    def _refuse(self, bad: BadLine) -> None:
        self.counts.bad_lines += 1
        if not self.counts.first_bad:
            place = f"{self.known.file.label} line {bad.line}"
            self.counts.first_bad = f"{place}: {bad.reason}: {bad.detail}"


def merged(streams: Iterable[_Stream]) -> Iterator[Observation]:
    """Merge files by times of receipt; open each file when its first event is due."""
    waiting = sorted(
        (
            (first_ms, place, stream)
            for place, stream in enumerate(streams)
            if (first_ms := stream.first_ms()) is not None
        ),
        reverse=True,
    )
    heads: list[tuple[int, int, Observation, Iterator[Observation]]] = []
    while waiting or heads:
        while waiting and (not heads or waiting[-1][0] <= heads[0][0]):
            _, place, stream = waiting.pop()
            _push(heads, place, stream.events())
        if heads:
            _, place, event, events = heapq.heappop(heads)
            yield event
            _push(heads, place, events)


def _push(
    heads: list[tuple[int, int, Observation, Iterator[Observation]]],
    place: int,
    events: Iterator[Observation],
) -> None:
    event = next(events, None)
    if event is not None:
        heapq.heappush(heads, (event.received_at_ms, place, event, events))
