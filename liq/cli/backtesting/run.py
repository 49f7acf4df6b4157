"""A back-test: events, configurations, their records, and figures about the records."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liq.cli.backtesting.detection import detect
from liq.cli.backtesting.sources import Chunk, Source
from liq.processors.backtesting import Amount, Configuration, Dollars, Figures, Tally
from liq.schemas.codec import decode
from liq.schemas.records import CascadeAlert
from liq.schemas.units import DAY_MS

# Rates per day count a shorter recording as an hour.
LEAST_DAYS: Final = 1 / 24
RUN_ID_BYTES: Final = 16


@dataclass(slots=True)
class Span:
    """The events that were read: their number, first and last time of receipt, and dollars."""

    dollars: Dollars
    events: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def add(self, chunk: Chunk) -> None:
        """Add a chunk of the log."""
        add = self.dollars.add
        for event in chunk:
            add(Amount(event.base, event.side, event.timestamp_ms, event.cents))
        if chunk:
            self.first_ms = self.first_ms or chunk[0].received_at_ms
            self.last_ms = max(self.last_ms, chunk[-1].received_at_ms)
        self.events += len(chunk)

    @property
    def days(self) -> float:
        """The days from the first to the last event, at least an hour."""
        return max(LEAST_DAYS, (self.last_ms - self.first_ms) / DAY_MS)


@dataclass(frozen=True, slots=True)
class ConfigurationRun:
    """The result of one configuration: its figures, and the file of its records, one per line."""

    configuration: Configuration
    figures: Figures
    records: Path


@dataclass(frozen=True, slots=True)
class Backtest:
    """A finished back-test; `run_id` is a function of the events and the configurations."""

    run_id: str
    source: str
    span: Span
    runs: Sequence[ConfigurationRun]


@contextmanager
def backtest(
    source: Source,
    configurations: Sequence[Configuration],
    *,
    processes: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Backtest]:
    """Run every configuration over the events; delete the records' files at the end of the block.

    Raises:
        ConfigurationError: a file is damaged.
        DependencyError: a child process ended early.
    """
    span = Span(Dollars())

    def seen(chunk: Chunk) -> None:
        span.add(chunk)
        progress(span.events)

    with tempfile.TemporaryDirectory(prefix="liq-backtest-") as folder:
        paths = detect(
            configurations, source.chunks(), Path(folder), processes=processes, seen=seen
        )
        runs = [
            ConfigurationRun(configuration, _figures(path, span), path)
            for configuration, path in zip(configurations, paths, strict=True)
        ]
        yield Backtest(_run_id(source, span, configurations), source.description, span, runs)


def alerts_of(path: Path) -> Iterator[CascadeAlert]:
    """Yield a configuration's records in order."""
    with path.open("rb") as file:
        for line in file:
            yield decode(CascadeAlert, line)


def _figures(path: Path, span: Span) -> Figures:
    tally = Tally(span.dollars)
    for alert in alerts_of(path):
        tally.add(alert)
    return tally.figures(span.days)


def _run_id(source: Source, span: Span, configurations: Sequence[Configuration]) -> str:
    digest = hashlib.blake2b(digest_size=RUN_ID_BYTES)
    said = (
        source.description,
        span.events,
        span.first_ms,
        span.last_ms,
        span.dollars.total_cents(),
        *((each.name, each.config.identity) for each in configurations),
    )
    digest.update(repr(said).encode())
    return digest.hexdigest()
