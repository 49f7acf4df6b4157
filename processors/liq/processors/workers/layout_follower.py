"""A follower of the layout topic: it sets the partitions of a worker's events, and its pauses.

The worker reads the whole topic before its first record, and again to its end after every
assignment (`ReadingGate`), so that no new member of the group misses a pause. Every worker answers
an announcement. A normalizer also answers the pause, after all its batches are acknowledged.
"""

import time
from dataclasses import replace
from typing import Final, cast

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted
from mode import Service

from liq.processors.stages.output import Output
from liq.processors.workers.faust_app import client_id
from liq.processors.workers.faust_transport import EngineConsumer, EngineTransport
from liq.runtime.group_members import describe_group
from liq.runtime.kafka import assign_from_beginning, new_consumer, start_consumer
from liq.runtime.layout import (
    Answer,
    Layout,
    LayoutLog,
    Phase,
    answer_record,
    layout_place,
    layout_record,
)
from liq.runtime.log_reading import read_to_ends
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, GROWING_PAUSE
from liq.runtime.settings import Settings

POLL_MS: Final = 100
FETCH_WAIT_MS: Final = 500
RETRY_SECONDS: Final = 1.0
#: The interval between checks that the group reads the added partitions.
COVER_SECONDS: Final = 3.0
#: A pause that no detecting worker continues ends by itself, within half a minute.
PAUSE_SECONDS: Final = 28.0

log = get_logger(__name__)


class LayoutFollower(Service):
    """A service that applies the layout to a worker. It starts after the output, before the app."""

    def __init__(
        self, settings: Settings, app: faust.App, output: Output, stage: str, *, pauses: bool
    ) -> None:
        """Create the service; `pauses` is set for workers that write events."""
        super().__init__()
        self._settings = settings
        self._app = app
        self._output = output
        self._pauses = pauses
        self._name = client_id(settings, stage)
        self._group = settings.group(stage)
        self._gate = cast("EngineTransport", app.transport).gate
        self._consumer: AIOKafkaConsumer | None = None
        self._kept: Layout | None = None
        self._kept_at = 0.0
        self._covered: tuple[int, Layout] | None = None
        #: The content of the topic: the layout and the answers.
        self.found = LayoutLog()

    async def on_start(self) -> None:
        """Read the topic to its present end; the gate stays closed until that succeeds."""
        try:
            await self._connect()
        except KafkaError as error:
            await self._give_up(error)

    async def on_stop(self) -> None:
        """Disconnect."""
        await self._disconnect()

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                if self._consumer is None:
                    await self.sleep(RETRY_SECONDS)
                    await self._connect()
                else:
                    await self._read(self._consumer)
                await self._keep()
            except KafkaError as error:
                await self._give_up(error)

    @Service.timer(COVER_SECONDS)
    async def _cover(self) -> None:
        """Request a rejoin if the group does not read all partitions of events.

        Brokers return its old partitions to a worker that restarts in its slot, without a new
        assignment that would include added ones. A new assignment follows when the group's leader
        rejoins, and workers do not know which of them is the leader, so each of them rejoins.
        """
        layout = self.found.layout
        generation = self._app.consumer_generation_id
        if (
            layout is None
            or layout.phase is Phase.ANNOUNCED
            or not self._app.started
            or self._app.rebalancing
            or self._covered == (generation, layout)
        ):
            return
        topic = self._settings.topics.events
        try:
            members = await describe_group(self._settings, self._group)
        except KafkaError as error:
            log.warning("group_unknown", error=repr(error))
            return
        read = {place.partition for place in members.partitions if place.topic == topic}
        if not members.is_stable or generation != self._app.consumer_generation_id:
            return
        if len(read) >= max(layout.partitions, layout.target) or not read:
            self._covered = (generation, layout)
        else:
            log.warning("partitions_unread", topic=topic, read=sorted(read))
            self._gate.ask_rejoin()

    async def _give_up(self, error: KafkaError) -> None:
        ERRORS.labels("layout").inc()
        log.warning("layout_not_followed", error=repr(error))
        await self._disconnect()

    async def _connect(self) -> None:
        consumer = new_consumer(self._settings, fetch_max_wait_ms=FETCH_WAIT_MS)
        self._consumer = consumer
        await start_consumer(self._settings, consumer)
        place = layout_place(self._settings)
        end = await assign_from_beginning(consumer, place)
        async for record in read_to_ends(consumer, {place: end}):
            self.found.note(record.key, record.value)
        await self._keep()
        self._gate.reach(await consumer.position(place))

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                self.found.note(record.key, record.value)
        await self._keep()
        self._gate.reach(await consumer.position(layout_place(self._settings)))

    async def _keep(self) -> None:
        """Apply the layout, and answer it if the phase requires an answer."""
        layout = self.found.layout
        if layout is None:
            return
        if layout != self._kept:
            await self._change(layout)
            self._kept, self._kept_at = layout, time.monotonic()
        is_late = time.monotonic() > self._kept_at + PAUSE_SECONDS
        if self._pauses and layout.phase is Phase.PAUSING and is_late:
            # A worker that continued it has written so before this record, or is ignored.
            self._kept_at = time.monotonic()
            refused = f"no worker that detects went on within {PAUSE_SECONDS:.0f} s"
            log.error("growing_refused", reason=refused)
            ended = replace(layout, phase=Phase.STABLE, refused=refused)
            await self._output.deliver([layout_record(self._settings.topics.layout, ended)])
            return
        if self._must_answer(layout) and not self.found.has_answered(self._name, layout):
            answer = Answer(self._name, layout.growth, layout.phase)
            await self._output.deliver([answer_record(self._settings.topics.layout, answer)])
            self.found.answers[self._name] = answer
            log.info("layout_answered", phase=layout.phase, growth=layout.growth)

    async def _change(self, layout: Layout) -> None:
        log.info("layout", partitions=layout.partitions, phase=layout.phase, target=layout.target)
        topics = self._settings.topics
        self._gate.wanted_partitions = max(layout.partitions, layout.target)
        if self._pauses and layout.is_paused:
            self._gate.pause(layout.growth)
            GROWING_PAUSE.set(1)
        self._output.spread(layout)
        if not layout.is_paused:
            if layout.phase is Phase.STABLE:
                await self._output.know(topics.events, layout.partitions)
            self._gate.resume()
            GROWING_PAUSE.set(0)

    def _must_answer(self, layout: Layout) -> bool:
        if layout.phase is Phase.ANNOUNCED:
            return True
        if layout.phase is not Phase.PAUSING or not self._pauses:
            return False
        return self._is_quiet(layout.growth)

    def _is_quiet(self, growth: str) -> bool:
        """Return whether all batches from before the pause are handled and acknowledged."""
        try:
            consumer = cast("EngineConsumer", self._app.consumer)
            has_partitions = bool(consumer.assignment())
        except ConsumerNotStarted:
            return False
        if not self._app.started or self._app.rebalancing or consumer.has_unhandled:
            return False
        # A worker without partitions polls no records, so it never checks the gate.
        return self._gate.is_idle(growth) or not has_partitions
