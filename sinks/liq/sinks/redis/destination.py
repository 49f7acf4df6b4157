"""Redis as a destination: the hot state, which can always be rebuilt from the log.

Redis stores the sink's positions beside the state, and each call of the script updates both
atomically. So a restart resumes at the positions in Redis, whatever Kafka's group has committed,
and a Redis that has lost acknowledged records receives them again.
"""

import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from importlib.resources import files
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import DataError, RedisError

from liq.runtime.metrics import SINK_INSERT, SINK_ROWS, SINK_SKIPPED
from liq.runtime.settings import Settings
from liq.schemas.records import CascadeAlert, DetectionStatus, FeedStatus, Liquidation
from liq.schemas.units import HOUR_MS, SECOND_MS
from liq.sinks.batch import BatchLimits, Delivered, Partition, RecordsByTopic
from liq.sinks.destination import (
    Destination,
    Failure,
    Intake,
    PartitionLog,
    Position,
    PositionsLostError,
)
from liq.sinks.redis.client import check_server, connect, shown_address
from liq.sinks.redis.encoding import Bounds, Call, calls, places_of
from liq.sinks.redis.failures import classify
from liq.sinks.redis.layout import Layout, position_field
from liq.sinks.redis.refused import KEPT, refused_entry
from liq.sinks.refusals import Refusal, Refusals
from liq.sinks.threads import in_thread

NAME: Final = "redis"
STAGE: Final = "sink-redis"
LIMITS: Final = BatchLimits(rows=5_000, seconds=0.05, size_bytes=8 * 1024 * 1024)
SCRIPT: Final = files(__package__).joinpath("store.lua").read_text()


class RedisDestination(Destination):
    """The Redis destination: it sends batches as calls of one script, 250 records at most each."""

    def __init__(self, settings: Settings) -> None:
        topics = settings.topics
        self._settings = settings
        self._layout = Layout.of(settings)
        self._bounds = Bounds.of(settings)
        self._kinds: Mapping[str, type] = {
            topics.events: Liquidation,
            topics.cascades: CascadeAlert,
            topics.feeds: FeedStatus,
            topics.status: DetectionStatus,
        }
        # The state of a connection is published once and may hold for weeks; the topic is small.
        self._whole_topics = {topics.feeds}
        self._intake = Intake(
            name=NAME,
            stage=STAGE,
            topics=tuple(self._kinds),
            limits=LIMITS,
            keeps_positions=True,
        )
        self._client: Redis = connect(settings)
        self._script = self._client.register_script(SCRIPT)
        self._logs: dict[Partition, str] = {}
        # By partition, the position text in Redis, and the first offset that is not stored.
        self._stored: dict[Partition, tuple[str, int]] = {}
        self._records: list[Delivered] = []
        self._pending: deque[Call] | None = None
        self._refusals = Refusals(0, 0)

    @property
    def intake(self) -> Intake:
        """The public topics from which the hot state is built."""
        return self._intake

    async def open(self) -> None:
        """Connect, and check that the server can hold the hot state.

        Raises:
            ConfigurationError: the server cannot hold the hot state.
            redis.exceptions.RedisError: the server does not answer.
        """
        await check_server(self._client, self._settings)

    def assigned(self, partitions: Collection[Partition]) -> None:
        """Do nothing: the loop asks for positions."""

    async def positions(
        self, logs: Mapping[Partition, PartitionLog]
    ) -> Mapping[Partition, Position]:
        """Return the positions stored in Redis.

        A partition without a valid position starts an hour before the oldest sums that Redis keeps,
        or at the beginning of a small topic.

        Raises:
            redis.exceptions.RedisError: Redis does not answer.
        """
        fields = [position_field(*partition) for partition in logs]
        found = await self._client.hmget(self._layout.sink, fields) if fields else []
        since_ms = int(time.time() * SECOND_MS) - self._bounds.keep_ms - HOUR_MS
        self._logs = {partition: log.name for partition, log in logs.items()}
        self._stored = {}
        positions = {}
        for (partition, log), value in zip(logs.items(), found, strict=True):
            text = str(value or "")
            name, _, number = text.rpartition("@")
            offset = int(number or 0)
            if text and offset <= log.end_offset and (name == log.name or "" in {name, log.name}):
                self._stored[partition] = (text, offset)
                positions[partition] = Position(offset)
            else:
                self._stored[partition] = (text, 0)
                is_whole = partition[0] in self._whole_topics
                positions[partition] = Position(since_ms=0 if is_whole else since_ms)
        return positions

    def accept(self, records: RecordsByTopic, refusals: Refusals) -> None:
        """Keep a batch until `flush`."""
        self._records = [record for found in records.values() for record in found]
        self._pending = None
        self._refusals = refusals

    async def flush(self) -> None:
        """Send one call after another; after a failure, resume with the failed call.

        Raises:
            PositionsLostError: the positions in Redis are not those that this process stored.
            ConfigurationError: the share of refused records suggests a wrong deployment.
            redis.exceptions.RedisError: a call failed.
        """
        if self._pending is None:
            encode = partial(calls, self._records, self._kinds, self._layout, self._bounds)
            self._pending = deque(await in_thread(lambda: list(encode())))
            for call in self._pending:
                self._refusals.add(call.refusals)
        while self._pending:
            await self._send(self._pending[0])
            self._pending.popleft()

    async def keep_refused(self, refusals: Sequence[Refusal]) -> None:
        """Store the newest refused records in a sorted set, with their bytes.

        Raises:
            redis.exceptions.RedisError: Redis did not store them.
        """
        key = self._layout.refused
        entries = {refused_entry(refusal): refusal.record.timestamp for refusal in refusals}
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.zadd(key, entries)
            pipeline.zremrangebyrank(key, 0, -(KEPT + 1))
            pipeline.pexpire(key, self._bounds.keep_ms)
            await pipeline.execute()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def classify(self, error: Exception) -> Failure | None:
        """Classify the client's errors, except for DataError, which is a bug of the sink."""
        if isinstance(error, RedisError) and not isinstance(error, DataError):
            return classify(error, shown_address(self._settings))
        return None

    async def _send(self, call: Call) -> None:
        places = places_of(call, self._logs, self._stored)
        started = time.monotonic()
        answer: list[Any] = await self._script(keys=call.keys, args=[call.text(places)])
        SINK_INSERT.observe(time.monotonic() - started)
        if answer[0] == "lost":
            raise PositionsLostError(
                f"Redis at {shown_address(self._settings)} has {answer[2] or 'nothing'} "
                f"of {answer[1]}, which is not what this worker stored; it reads again "
                "what is missing"
            )
        _, stored, alerts, repeated, too_old, texts = answer
        for partition, text in zip(call.partitions, texts, strict=True):
            self._stored[partition] = (text, int(text.rpartition("@")[2] or 0))
        SINK_ROWS.labels("records").inc(stored)
        SINK_ROWS.labels("alerts").inc(alerts)
        SINK_SKIPPED.labels("repeated").inc(repeated)
        SINK_SKIPPED.labels("too_old").inc(too_old)


def create(settings: Settings, exchanges: Sequence[str]) -> RedisDestination:  # noqa: ARG001 - the public topics are of all exchanges
    """Create the destination from the settings."""
    return RedisDestination(settings)
