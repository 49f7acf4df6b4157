"""The contract between the consumer loop and a destination of records.

The loop polls the topics, gathers batches, calls the methods of a destination and commits. It calls
them one at a time, in this order:

    open   once; again after a failure
    accept, flush   for each batch; flush again after a failure
    keep_refused    after a batch with refused records; again after a failure
    close  once

`assigned` may come between any two of them, and while an asynchronous method waits. The loop
commits offsets after `flush` and `keep_refused` have returned, so a destination receives every
record at least once. It recognizes a repeated record by its id (`event_id`, `alert_id`).

A method fails by raising. `classify` returns the loop's reaction:

    ROW     A record of the batch can never be stored. The loop halves the batch until the bad
            records are isolated, refuses them and stores the rest. Only `flush` may fail this way.
    RETRY   The destination is unavailable. The loop pauses the consumer and retries with a growing
            back-off.
    SETUP   An operator must act. The loop does the same; the sentence on /readyz and in the log
            names the remedy.
    None    The error is unexpected. The process ends with the exception and commits nothing more.

A destination that can lose acknowledged records (a Redis without a log on disk) stores the offsets
itself, together with the records, and sets `keeps_positions` in its intake. The loop then asks
`positions` for the offsets to read from whenever partitions are assigned, a log was replaced, or
`flush` raised `PositionsLostError`. Kafka's committed offsets then only show the progress.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from liq.sinks.batch import BatchLimits, Partition, RecordsByTopic
from liq.sinks.refusals import Refusal, Refusals


class FailureKind(StrEnum):
    """The reaction to a failure: refuse a bad row, retry, or retry until an operator acts."""

    ROW = "row"
    RETRY = "retry"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure: its kind, a short label for metrics and a sentence for operators."""

    kind: FailureKind
    label: str
    sentence: str


class Start(StrEnum):
    """The position from which a consumer group reads a partition for the first time."""

    OLDEST = "oldest"
    NEWEST = "newest"


class PositionsLostError(Exception):
    """The destination's positions differ from what this process has stored; ask for them again."""


@dataclass(frozen=True, slots=True)
class PartitionLog:
    """The log of an assigned partition: its name (empty if unknown) and its end offset."""

    name: str
    end_offset: int


@dataclass(frozen=True, slots=True)
class Position:
    """The position to read a partition from: an offset, or else a time (UTC, ms) of the log."""

    offset: int | None = None
    since_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The input of a destination.

    `name` is also the destination's condition on /readyz and the prefix of its log events. `stage`
    names the consumer group and never changes. `topics` must exist before the loop starts. `start`
    is the position of a new group: the oldest or the newest records. If `is_exclusive`, one process
    is assigned all partitions, and the other members of its group stand by. The module's docstring
    explains `keeps_positions`.
    """

    name: str
    stage: str
    topics: Collection[str]
    limits: BatchLimits
    start: Start = Start.OLDEST
    is_exclusive: bool = False
    keeps_positions: bool = False


class Destination(ABC):
    """A store or receiver of records; the module explains the order of calls and failures."""

    @property
    @abstractmethod
    def intake(self) -> Intake:
        """Return the topics, batch limits and start position, which never change."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, and check that the destination can store the records.

        It may wait as long as the client's own timeouts allow; a stop cancels it.

        Raises:
            ConfigurationError: the operator must change something before the next start.
            Exception: any error that `classify` knows; the loop calls `open` again.
        """

    @abstractmethod
    def assigned(self, partitions: Collection[Partition]) -> None:
        """Record that the consumer group has assigned these partitions to this process.

        This or another process may already have stored records beyond the committed offsets. The
        rebalance waits for this call, so it must return at once; `flush` may later look up what is
        stored.
        """

    async def positions(
        self, logs: Mapping[Partition, PartitionLog]
    ) -> Mapping[Partition, Position]:
        """Return the position to read each assigned partition from; used if it `keeps_positions`.

        The loop stores no batch meanwhile, and drops the gathered records afterwards. A stored
        offset beyond a log's end belongs to another log.

        Raises:
            Exception: any error that `classify` knows; the loop calls it again.
        """
        raise NotImplementedError(f"{self.intake.name} keeps no positions of {len(logs)}")

    @abstractmethod
    def accept(self, records: RecordsByTopic, refusals: Refusals) -> None:
        """Accept the records of a batch, which replace those of the previous batch.

        Return at once: decoding and sending belong in `flush`. A batch contains no heartbeats, so
        it may be empty. Add records that can never be stored to `refusals`, until `flush` returns.
        """

    @abstractmethod
    async def flush(self) -> None:
        """Store all accepted records; return when every record is acknowledged or refused.

        The next batch fills meanwhile. When it is full, or when `flush` has failed, the loop pauses
        the consumer, which stays in its group. So `flush` may take as long as it needs, but it must
        not block the event loop: run a blocking client and heavy decoding in `threads.in_thread`. A
        stop cancels `flush` after ten seconds.

        The loop calls `flush` again after a failure. It may resume or start over, but records that
        are already stored must not count twice.

        Raises:
            ConfigurationError: too many refusals, which suggests a wrong deployment.
            Exception: any error that `classify` knows.
        """

    @abstractmethod
    async def keep_refused(self, refusals: Sequence[Refusal]) -> None:
        """Store the refused records of a batch with reason and bytes, for operators.

        The rules of `flush` apply. The loop calls it only if the batch has refused records.

        Raises:
            DependencyError: the destination refuses even these permanently.
            Exception: any error that `classify` knows.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close the connections. The loop calls it once, even if `open` failed."""

    @abstractmethod
    def classify(self, error: Exception) -> Failure | None:
        """Classify an exception of a method; None if it is unexpected and ends the process."""
