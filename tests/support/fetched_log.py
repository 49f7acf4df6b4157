"""A log for a reader, with fetch responses that are as stale as a broker's can be."""

from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from liq.schemas.headers import RECEIVED_AT_NS

TOPIC = "raw"
START_NS = 1_783_500_000_000_000_000


class FetchedLog:
    """Partitions of raw records by time of receipt, and the consumer that reads them.

    Small times count from `START_NS`. A partition's high watermark is that of the last response for
    the partition; a response has `chunk` records. `unserved` partitions never respond.
    """

    def __init__(self, times_ns: Sequence[Sequence[int]], chunk: int = 2) -> None:
        self.unserved: set[Any] = set()
        self.asked_for_ends = 0
        self._chunk = chunk
        self._logs = {
            (TOPIC, number): [self._record(number, offset, at) for offset, at in enumerate(times)]
            for number, times in enumerate(times_ns)
        }
        self._states = {
            place: SimpleNamespace(position=0, highwater=None, lso=None, has_valid_position=True)
            for place in self._logs
        }
        self._fetcher = SimpleNamespace(_prefetch_backoff=0.1)
        assignment = SimpleNamespace(state_value=self._states.get)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))

    @property
    def partitions(self) -> set[Any]:
        """All partitions of the log."""
        return set(self._logs)

    def append(self, partition: int, at_ns: int) -> None:
        """Append a record, which the consumer sees in its next fetch."""
        log = self._logs[TOPIC, partition]
        log.append(self._record(partition, len(log), at_ns))

    def reassign(self, *committed: int) -> None:
        """Assign all partitions again, each from a committed offset, as a rebalance does."""
        for state, offset in zip(self._states.values(), committed, strict=True):
            state.position = offset
        subscription = self._subscription.subscription
        subscription.assignment = SimpleNamespace(state_value=self._states.get)

    def seek(self, partition: int, offset: int) -> None:
        """Move the consumer, as a rebalance does."""
        self._states[TOPIC, partition].position = offset

    async def fetch(
        self, partitions: Collection[Any], wait_seconds: float, limit: int
    ) -> Mapping[Any, Sequence[Any]]:
        """Respond with one partition that has records; without any, with empty partitions."""
        del wait_seconds
        for place in sorted(partitions):
            state, log = self._states[place], self._logs[place]
            if place in self.unserved:
                continue
            if records := log[state.position : state.position + min(self._chunk, limit)]:
                state.highwater = len(log)
                state.position += len(records)
                return {place: records}
        for place in partitions:
            if place not in self.unserved:
                self._states[place].highwater = len(self._logs[place])
        return {}

    async def end_offsets(self, partitions: Sequence[Any]) -> dict[Any, int]:
        """Return the present ends of the log."""
        self.asked_for_ends += 1
        return {place: len(self._logs[place]) for place in partitions}

    @staticmethod
    def _record(partition: int, offset: int, at_ns: int) -> Any:
        return SimpleNamespace(
            topic=TOPIC,
            partition=partition,
            offset=offset,
            key=b"BTC",
            value=b"{}",
            headers=((RECEIVED_AT_NS, b"%d" % (at_ns if at_ns >= START_NS else START_NS + at_ns)),),
            timestamp=0,
        )
