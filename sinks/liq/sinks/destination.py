"""The contract between the consumer loop and a place that records go to.

The loop reads the topics, gathers batches, calls the verbs of a destination and commits. It calls
them one at a time, in this order:

    open   once; again after a failure
    accept, flush   for each batch; flush again after a failure
    keep_refused    after a batch in which records were refused; again after a failure
    close  once

`assigned` comes between any two of them, and while one of the asynchronous verbs waits. Offsets are
committed when `flush` and `keep_refused` have returned, so every record comes at least once: the
destination recognizes it by its id (`event_id`, `alert_id`) when it comes again.

A verb fails by raising. The loop asks `classify` who has to act:

    ROW     nobody: a record of the batch is bad. The loop halves the batch until the bad records
            stand alone, refuses those, and the rest is stored. Only `flush` may fail so.
    RETRY   time: the loop pauses the consumer, waits ever longer and calls the verb again.
    SETUP   a person: the same, and the sentence on /readyz and in the log says what to do.
    None    nobody foresaw it: the process ends with the exception and commits nothing more.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from liq.sinks.batch import BatchLimits, Partition, RecordsByTopic
from liq.sinks.refusals import Refusal, Refusals


class FailureKind(StrEnum):
    """Who has to act: nobody (the row is bad), time, or a person."""

    ROW = "row"
    RETRY = "retry"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure: its kind, a short label for metrics and a sentence for people."""

    kind: FailureKind
    label: str
    sentence: str


class Start(StrEnum):
    """The position from which a consumer group reads a partition for the first time."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a destination reads.

    `name` is also its condition on /readyz and the prefix of its log events. `stage` names the
    consumer group and never changes. `topics` exist before the loop starts. `start` says whether a
    new group stores the past or begins with the present.
    """

    name: str
    stage: str
    topics: Collection[str]
    limits: BatchLimits
    start: Start = Start.OLDEST


class Destination(ABC):
    """A place that records go to; the module's docstring has the order of calls and failures."""

    @property
    @abstractmethod
    def intake(self) -> Intake:
        """Return the topics, batch limits and start position; always the same."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, and check that the destination can store what it will be given.

        It may wait for as long as the client's own time limits; a stop cancels it.

        Raises:
            ConfigurationError: a person has to change something before a start makes sense.
            Exception: whatever `classify` knows; the loop calls `open` again.
        """

    @abstractmethod
    def assigned(self, partitions: Collection[Partition]) -> None:
        """Note that the consumer group has assigned these partitions to this process.

        Their records from the committed offsets on may have been stored already, by this process or
        another. The rebalance waits for this call, so it only takes a note; `flush` may use it to
        look up what is stored.
        """

    @abstractmethod
    def accept(self, records: RecordsByTopic, refusals: Refusals) -> None:
        """Take over the records of a batch, which replace those of the batch before.

        Return at once: decoding and sending belong into `flush`. Heartbeats are left out, so a
        batch may be empty. `refusals` is for records that can never be stored; it may be used until
        `flush` returns.
        """

    @abstractmethod
    async def flush(self) -> None:
        """Store all accepted records, and return when every one is acknowledged or refused.

        While it waits, the next batch fills. When that is full, or when `flush` has failed, the
        consumer is paused and keeps its place in the group. So `flush` may take as long as it
        needs, but it must not block the event loop: a blocking client and heavy decoding go through
        `threads.in_thread`. It is cancelled when a stop has waited for ten seconds.

        The loop calls it again after a failure. It may resume where it stopped or begin again; what
        was stored in the meantime must not count twice.

        Raises:
            ConfigurationError: `refusals` found that something larger is wrong.
            Exception: whatever `classify` knows.
        """

    @abstractmethod
    async def keep_refused(self, refusals: Sequence[Refusal]) -> None:
        """Store the refused records of a batch, with reason and bytes, where people find them.

        The same rules as for `flush`; it is called only when there are any.

        Raises:
            DependencyError: even these are refused for good.
            Exception: whatever `classify` knows.
        """

    @abstractmethod
    async def close(self) -> None:
        """Give connections back. The loop calls it once, also when `open` failed."""

    @abstractmethod
    def classify(self, error: Exception) -> Failure | None:
        """Return who has to act after an exception of a verb; None ends the process with it."""
