"""`liq topics grow`: announce, add partitions, begin the pause, and wait for the workers.

The workers take all other steps (`liq.processors.workers.grower`). The command may be killed and
run again at any point: before the pause, the only change is spare partitions, and from then on the
workers continue without the command.
"""

import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from liq.processors.workers.group_progress import GroupProgress
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.group_members import members_of
from liq.runtime.kafka import assign_from_beginning, new_consumer, new_producer, start_consumer
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.layout import (
    Layout,
    LayoutLog,
    Phase,
    layout_place,
    layout_record,
    write_record,
)
from liq.runtime.log_reading import read_to_ends
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.runtime.topics import add_partitions, describe_topics, ensure_topics
from liq.schemas.units import SECOND_MS

STAGES: Final = ("normalize", "detect")
CLIENT_ID: Final = "growing"
ANSWER_SECONDS: Final = 30.0
#: The longest wait of the command; the workers continue after it.
GROW_SECONDS: Final = 180.0
PAUSE_SECONDS: Final = 28.0
POLL_MS: Final = 200
#: The greatest lag of detection at the start: the pause lasts until detection has read it.
MOST_BEHIND_RECORDS: Final = 20_000

Say = Callable[[str], None]


async def grow(settings: Settings, exchanges: tuple[str, ...], target: int, say: Say) -> None:
    """Grow the events topic, and the state beside it, to `target` partitions.

    Raises:
        ConfigurationError: the growth is not possible, or not now; the message has the reason.
        DependencyError: Kafka or a worker does not answer.
    """
    await ensure_topics(settings, exchanges)
    try:
        async with _growing(settings) as growing:
            await growing.grow(exchanges, target, say)
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error


@asynccontextmanager
async def _growing(settings: Settings) -> AsyncIterator["Growing"]:
    consumer = new_consumer(settings)
    producer = new_producer(settings, CLIENT_ID, linger_ms=0)
    try:
        await start_consumer(settings, consumer)
        await producer.start()
        yield Growing(settings, consumer, producer, LayoutLog())
    finally:
        await producer.stop()
        await consumer.stop()


@dataclass(slots=True)
class Growing:
    """The command's part of a growth: the layout topic, and a producer for it."""

    settings: Settings
    consumer: AIOKafkaConsumer
    producer: AIOKafkaProducer
    found: LayoutLog

    async def grow(self, exchanges: tuple[str, ...], target: int, say: Say) -> None:
        """Take the command's steps, after those of an earlier command."""
        place = layout_place(self.settings)
        end = await assign_from_beginning(self.consumer, place)
        async for record in read_to_ends(self.consumer, {place: end}):
            self.found.note(record.key, record.value)
        layout = self.found.layout
        if layout is None or layout.phase is Phase.STABLE:
            layout = await self._announce(exchanges, target)
            if layout is None:
                say(f"{self.settings.topics.events} has {target} partitions already.")
                return
        elif layout.target != target:
            raise ConfigurationError(
                f"{self.settings.topics.events} is growing to {layout.target} partitions; "
                f"`liq topics grow --to {layout.target}` goes on with that."
            )
        if layout.phase is Phase.ANNOUNCED:
            await self._answered(layout)
            topics = self.settings.topics
            await self._add_partitions(layout, (topics.detector_state, topics.events))
            say(f"{topics.events} has {target} partitions; workers pause.")
            layout = replace(layout, phase=Phase.PAUSING, since_ms=_now_ms())
            await self._write(layout)
        await self._watch(layout, say)

    async def _announce(self, exchanges: tuple[str, ...], target: int) -> Layout | None:
        """Announce the growth; return None if the layout has the target already."""
        topics = self.settings.topics
        states = {
            state.spec.name: state for state in await describe_topics(self.settings, exchanges)
        }
        known = self.found.layout
        present = states[topics.events].partitions or 0
        if known is not None:
            present = known.partitions
        if target == present:
            return None
        if target < present:
            raise ConfigurationError(
                f"{topics.events} has {present} partitions, and Kafka takes none away: ask for "
                f"more than {present}, or begin anew under another TOPIC_NAMESPACE."
            )
        if not await members_of(self.settings, self.settings.group("detect")):
            raise ConfigurationError(
                "No worker detects (`liq process detect`): state is passed on by those that do. "
                "Start the workers, then grow."
            )
        await self._check_lag()
        layout = Layout(present, Phase.ANNOUNCED, target, uuid.uuid4().hex, _now_ms())
        await self._write(layout)
        return layout

    async def _check_lag(self) -> None:
        progress = GroupProgress(self.settings)
        try:
            behind = sum(each.behind_records for each in (await progress.ask()).values())
        finally:
            await progress.close()
        if behind > MOST_BEHIND_RECORDS:
            raise ConfigurationError(
                f"Detection is {behind} records behind; alerts would pause until it has read them. "
                f"Grow when it is at most {MOST_BEHIND_RECORDS} behind (liq_consumer_lag)."
            )

    async def _answered(self, layout: Layout) -> None:
        """Wait until every worker has answered the announcement; withdraw it otherwise."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            await self._read()
            members = {
                stage: await members_of(self.settings, self.settings.group(stage))
                for stage in STAGES
            }
            missing = [
                worker
                for workers in members.values()
                for worker in sorted(workers)
                if not self.found.has_answered(worker, layout)
            ]
            if not members["detect"]:
                missing.append("a worker that detects")
            if not missing:
                return
            if time.monotonic() > deadline:
                refused = f"no answer from {', '.join(missing)}"
                await self._write(replace(layout, phase=Phase.STABLE, refused=refused))
                raise DependencyError(
                    f"Nothing was changed: {refused} within {ANSWER_SECONDS:.0f} s. A worker of a "
                    "release that cannot grow has to be upgraded, one that hangs to be restarted."
                )

    async def _add_partitions(self, layout: Layout, topics: tuple[str, ...]) -> None:
        try:
            await add_partitions(self.settings, topics, layout.target)
        except (ConfigurationError, DependencyError) as error:
            await self._write(replace(layout, phase=Phase.STABLE, refused=str(error)))
            raise

    async def _watch(self, layout: Layout, say: Say) -> None:
        """Follow the steps of the workers until the end of the growth."""
        began = time.monotonic()
        phase = layout.phase
        while time.monotonic() < began + GROW_SECONDS:
            await self._read()
            is_late = time.monotonic() > began + PAUSE_SECONDS
            if is_late and self.found.layout is not None:
                await self._end_pause(self.found.layout)
            found = self.found.layout
            if found is None or found.growth != layout.growth:
                continue
            if found.phase is Phase.STABLE:
                if found.partitions != layout.target:
                    raise DependencyError(
                        f"Nothing was changed but spare partitions: {found.refused}. Restart what "
                        "hangs, then run the command again."
                    )
                places = await find_partitions(self.settings, [self.settings.topics.events])
                say(
                    f"{self.settings.topics.events} is spread over {found.partitions} of its "
                    f"{len(places)} partitions."
                )
                return
            if found.phase is not phase:
                phase = found.phase
                say(f"{phase.value}...")
        raise DependencyError(
            f"The workers are still {phase.value} after {GROW_SECONDS:.0f} s; they go on by "
            "themselves. Look at their logs, and run the command again to watch."
        )

    async def _end_pause(self, layout: Layout) -> None:
        """End a pause that no worker continues; without effect if a worker has continued."""
        if layout.phase is Phase.PAUSING:
            refused = f"no worker that detects went on within {PAUSE_SECONDS:.0f} s"
            await self._write(replace(layout, phase=Phase.STABLE, refused=refused))

    async def _read(self) -> None:
        for records in (await self.consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                self.found.note(record.key, record.value)

    async def _write(self, layout: Layout) -> None:
        record = layout_record(self.settings.topics.layout, layout)
        await write_record(self.producer, record)
        self.found.note(record.key, record.value)


def _now_ms() -> int:
    return int(time.time() * SECOND_MS)
