"""The data of the live page, sent up to four times a second at any rate of liquidations.

Each tick has sums by second and the largest liquidations. All readers with the same filters share
the ticks. A page receives the last minutes first, then ticks. Sums are totals, not differences, so
a reader that has missed ticks starts again with the last minutes and loses no data.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import orjson

from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Side
from liq.web.filters import Filters
from liq.web.records import CENTS, Stream, StreamRecord
from liq.web.window import TooOldError, Window

TICK_SECONDS: Final = 0.25
#: An idle tick shows the log's horizon, and that the connection works.
IDLE_SECONDS: Final = 2.0
SECONDS_KEPT: Final = 300
ROWS: Final = 40
#: The most records to read for the last minutes of a new page.
MAX_LOOKED_AT: Final = 50_000
TICKS_KEPT: Final = 40
SHOWN: Final = ("timestamp_ms", "exchange", "base", "side", "price", "value_usd", "completeness")


class Tally:
    """The sums by second of the last five minutes of the log. Pure."""

    def __init__(self) -> None:
        """Start without liquidations."""
        self._seconds: dict[int, list[int]] = {}
        self._changed: set[int] = set()
        self._newest = 0

    def add(self, records: Iterable[StreamRecord]) -> None:
        """Count liquidations."""
        for record in records:
            facets = record.facets
            second = facets.time_ms // SECOND_MS
            if second <= self._newest - SECONDS_KEPT:
                continue
            self._newest = max(self._newest, second)
            sums = self._seconds.setdefault(second, [0, 0, 0])
            sums[facets.side != Side.LONG] += facets.cents
            sums[2] += 1
            self._changed.add(second)
        for old in [each for each in self._seconds if each <= self._newest - SECONDS_KEPT]:
            del self._seconds[old]
            self._changed.discard(old)

    def changed(self) -> list[list[float]]:
        """Return the rows that changed since the last call, in the format of `all`."""
        seconds, self._changed = sorted(self._changed), set()
        return [self._row(second) for second in seconds]

    def all(self) -> list[list[float]]:
        """Return `[second, dollars of longs, dollars of shorts, count]` of every second."""
        return [self._row(second) for second in sorted(self._seconds)]

    def _row(self, second: int) -> list[float]:
        longs, shorts, count = self._seconds[second]
        return [second, longs / CENTS, shorts / CENTS, count]


def tape(records: list[StreamRecord]) -> list[dict[str, Any]]:
    """Return the largest liquidations in the order of arrival, with the fields `SHOWN`. Pure."""
    largest = sorted(range(len(records)), key=lambda place: -records[place].facets.cents)[:ROWS]
    documents = (orjson.loads(records[place].value) for place in sorted(largest))
    return [{name: document.get(name) for name in SHOWN} for document in documents]


class Summary:
    """The ticks of one set of filters, for all its readers."""

    def __init__(self, window: Window, filters: Filters, state: Callable[[], Any]) -> None:
        """Create a summary; `state` returns the horizon, which every tick includes."""
        self.readers = 0
        self._window = window
        self._filters = filters
        self._state = state
        self._tally = Tally()
        self._sequence = window.next_sequence
        newest = window.newest(Stream.LIQUIDATIONS, filters, MAX_LOOKED_AT)
        self._tally.add(newest)
        self._tally.changed()
        self._newest = deque(reversed(newest[:ROWS]), maxlen=ROWS)
        self._ticks: deque[bytes] = deque(maxlen=TICKS_KEPT)
        self.number = 0
        self._came = asyncio.Event()

    def snapshot(self) -> bytes:
        """Return the `begin` event with the last minutes, for a new reader."""
        return self._encoded("begin", list(self._newest), self._tally.all(), 0)

    async def ticks_after(self, number: int) -> list[bytes]:
        """Wait for ticks after a number, and return them.

        Raises:
            TooOldError: those ticks are not in memory any more.
        """
        while self.number == number:
            await self._came.wait()
        missed = self.number - number
        if missed > len(self._ticks):
            raise TooOldError("the reader was too slow: ticks are not held any more")
        return list(self._ticks)[-missed:]

    async def run(self) -> None:
        """Create ticks until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._window.wait()
            self.tick()
            await asyncio.sleep(TICK_SECONDS)

    def tick(self) -> None:
        """Create a tick from the records that arrived since the last one."""
        records: list[StreamRecord] = []
        has_cascades = False
        try:
            batches = list(self._window.since(self._sequence))
        except TooOldError:
            batches = []
        self._sequence = self._window.next_sequence
        for batch in batches:
            for record in batch.records:
                if record.place.stream is Stream.CASCADES:
                    has_cascades = True
                elif record.place.stream is Stream.LIQUIDATIONS and self._filters.accept(
                    record.facets
                ):
                    records.append(record)
        self._tally.add(records)
        self._newest.extend(records)
        left_out = max(0, len(records) - ROWS)
        data = self._encoded("tick", records, self._tally.changed(), left_out, has_cascades)
        self._ticks.append(data)
        self.number += 1
        self._came.set()
        self._came = asyncio.Event()

    def _encoded(
        self,
        event: str,
        records: list[StreamRecord],
        seconds: list[list[float]],
        left_out: int,
        has_cascades: bool = False,  # noqa: FBT001, FBT002 - one caller
    ) -> bytes:
        document = {
            "tape": tape(records),
            "left_out": left_out,
            "seconds": seconds,
            "has_cascades": has_cascades,
            "state": self._state(),
        }
        return b"event: " + event.encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n"


class Summaries:
    """The summaries that have readers, by their filters."""

    def __init__(self, window: Window, state: Callable[[], Any]) -> None:
        """Start without readers."""
        self._window = window
        self._state = state
        self._known: dict[Filters, tuple[Summary, asyncio.Task[None]]] = {}

    @property
    def count(self) -> int:
        """The number of different filters with readers."""
        return len(self._known)

    async def follow(self, filters: Filters) -> AsyncGenerator[bytes, None]:
        """Yield server-sent events: `begin` with the last minutes, then each `tick`."""
        if filters not in self._known:
            summary = Summary(self._window, filters, self._state)
            self._known[filters] = summary, asyncio.create_task(summary.run())
        summary, task = self._known[filters]
        summary.readers += 1
        try:
            while True:
                number = summary.number
                yield summary.snapshot()
                with suppress(TooOldError):
                    while True:
                        for tick in await summary.ticks_after(number):
                            number += 1
                            yield tick
        finally:
            summary.readers -= 1
            if not summary.readers:
                task.cancel()
                del self._known[filters]
