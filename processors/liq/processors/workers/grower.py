"""The growth of events after its start, run by the one worker that detects on the market.

`liq topics grow` announces a growth, adds partitions and begins the pause (`liq.cli.growing`). From
then on the growth needs no command:

    pausing   every normalizer has answered, or has left its group
    moving    detection has committed the end of every old partition, and with it its clock
              a handoff with the latest clock is in every old partition and committed: the state of
              each asset that leaves a partition is stored for its new partition
              a resumption is in every partition, old and new
    stable    normalizers spread events over the new number

Every step may be repeated, by this worker or by the next one that detects on the market. So a
growth continues after a crash at any point.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

import faust
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted
from mode import Service

from liq.processors.cascades.blind_venues import BlindVenues
from liq.processors.cascades.venue_clocks import VenueClocks
from liq.processors.stages.detect_note import DetectNote
from liq.processors.stages.feed_records import feed_record
from liq.processors.stages.output import Output
from liq.processors.workers.faust_app import client_id
from liq.processors.workers.layout_follower import LayoutFollower
from liq.runtime.group_members import members_of
from liq.runtime.kafka import new_admin, new_consumer, start_consumer
from liq.runtime.layout import Layout, Phase, layout_record
from liq.runtime.log_gaps import EVERY_EXCHANGE
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.partitions import committed_places
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.headers import (
    HEARTBEAT_KEY,
    closing_headers,
    handoff_headers,
    resumed_headers,
)
from liq.schemas.records import FeedStatus
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import FeedEvent

POLL_SECONDS: Final = 0.2
#: A frozen normalizer has left the group by then; a member that still does not answer is stuck.
ANSWER_MS: Final = 20_000
#: If detection has not committed a step by then, the growth repeats from its first step.
COMMIT_SECONDS: Final = 30.0
READ_SECONDS: Final = 10.0

log = get_logger(__name__)


class Grower(Service):
    """A service that takes the steps of a growth while this worker detects on the market."""

    def __init__(
        self, settings: Settings, app: faust.App, follower: LayoutFollower, output: Output
    ) -> None:
        """Create the service; `follower` provides the layout and the answers."""
        super().__init__()
        self._settings = settings
        self._topics = settings.topics
        self._app = app
        self._follower = follower
        self._output = output

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            await self.sleep(POLL_SECONDS)
            found = self._follower.found
            layout = found.layout
            if layout is None or not self._is_ours():
                continue
            try:
                if found.is_overwritten:
                    found.is_overwritten = False
                    await self._output.deliver([layout_record(self._topics.layout, layout)])
                if layout.is_paused:
                    await self._step(layout)
            except KafkaError as error:
                ERRORS.labels("growing").inc()
                log.warning("growing_goes_on", error=repr(error), phase=layout.phase)

    def _is_ours(self) -> bool:
        try:
            assigned = self._app.consumer.assignment()
        except ConsumerNotStarted:
            return False
        is_settled = self._app.started and not self._app.rebalancing
        return is_settled and any(place.topic == self._topics.pulse for place in assigned)

    async def _step(self, layout: Layout) -> None:
        if layout.phase is Phase.PAUSING:
            missing = await self._unanswered(layout)
            if not missing:
                await self._publish(layout, FeedEvent.GROWING, "are passed on to their partitions")
                await self._write(replace(layout, phase=Phase.MOVING))
            elif _now_ms() > layout.since_ms + ANSWER_MS:
                refused = f"no answer within {ANSWER_MS // SECOND_MS} s from {', '.join(missing)}"
                log.error("growing_refused", reason=refused)
                await self._write(replace(layout, phase=Phase.STABLE, refused=refused))
        else:
            await self._move(layout)

    async def _unanswered(self, layout: Layout) -> list[str]:
        """Return the members of the normalizers' group that have not paused yet."""
        members = await members_of(self._settings, self._settings.group("normalize"))
        found = self._follower.found
        return sorted(each for each in members if not found.has_answered(each, layout))

    async def _move(self, layout: Layout) -> None:
        """Have detection hand over assets and resume in every partition; then end the pause."""
        old, new = range(layout.partitions), range(layout.target)
        notes = await self._read_to(old, closing_headers(layout.growth))
        if notes is None:
            return
        clock_ms = max(
            (DetectNote.from_metadata(note).confirmed_clock_ms for note in notes), default=0
        )
        handoff = handoff_headers(layout.growth, layout.target, clock_ms=clock_ms)
        notes = await self._read_to(old, handoff)
        if notes is None:
            return
        venues, blind = VenueClocks(), BlindVenues()
        for note in map(DetectNote.from_metadata, notes):
            venues.adopt(VenueClocks.from_text(note.venues))
            blind.adopt(BlindVenues.from_text(note.blind))
        resumed = resumed_headers(
            layout.growth,
            layout.target,
            clock_ms=clock_ms,
            venues=venues.to_text(),
            blind=blind.to_text(),
        )
        await self._write_events(new, resumed)
        paused_seconds = (_now_ms() - layout.since_ms) / SECOND_MS
        await self._publish(layout, FeedEvent.GROWN, f"paused for {paused_seconds:.1f} s")
        await self._write(Layout(layout.target, growth=layout.growth, since_ms=_now_ms()))
        log.warning("grown", partitions=layout.target, paused_seconds=paused_seconds)

    async def _write_events(
        self, partitions: Iterable[int], headers: Sequence[tuple[str, bytes]]
    ) -> None:
        topic = self._topics.events
        await self._output.deliver(
            [OutputRecord(topic, HEARTBEAT_KEY, None, headers, each) for each in partitions]
        )

    async def _read_to(
        self, partitions: Iterable[int], headers: Sequence[tuple[str, bytes]]
    ) -> list[str] | None:
        """Write a record into partitions and wait until detection has committed it.

        Returns:
            The notes committed with it; None after `COMMIT_SECONDS`.
        """
        await self._write_events(partitions, headers)
        places = [TopicPartition(self._topics.events, each) for each in partitions]
        async with AsyncExitStack() as stack:
            consumer = new_consumer(self._settings)
            stack.push_async_callback(consumer.stop)
            await start_consumer(self._settings, consumer)
            ends = await consumer.end_offsets(places)
        deadline = time.monotonic() + COMMIT_SECONDS
        while time.monotonic() < deadline and not self.should_stop:
            committed = await self._committed()
            found = [committed.get(place, (0, "")) for place in places]
            if all(offset >= ends[at] for at, (offset, _) in zip(places, found, strict=True)):
                return [note for _, note in found]
            await asyncio.sleep(POLL_SECONDS)
        log.warning("growth_not_committed", ends={str(at): end for at, end in ends.items()})
        return None

    async def _committed(self) -> Mapping[TopicPartition, tuple[int, str]]:
        admin = new_admin(self._settings, client_id(self._settings, "growing"))
        try:
            await admin.start()
            return await committed_places(admin, self._settings.group("detect"))
        finally:
            await admin.close()

    async def _publish(self, layout: Layout, event: FeedEvent, outcome: str) -> None:
        status = FeedStatus(
            exchange=EVERY_EXCHANGE,
            feed=self._topics.events,
            connection=client_id(self._settings, "detect"),
            event=event,
            timestamp_ms=_now_ms(),
            detail=f"{self._topics.events} grows from {layout.partitions} to {layout.target} "
            f"partitions: events and alerts {outcome}; none is lost",
            from_ms=layout.since_ms,
        )
        await self._output.deliver([feed_record(self._topics.feeds, status)])

    async def _write(self, layout: Layout) -> None:
        """Write the layout, and wait until this worker's follower has read a new one."""
        present = self._follower.found.layout
        await self._output.deliver([layout_record(self._topics.layout, layout)])
        deadline = time.monotonic() + READ_SECONDS
        while self._follower.found.layout == present and time.monotonic() < deadline:  # noqa: ASYNC110 - another task reads it
            await asyncio.sleep(POLL_SECONDS)


def _now_ms() -> int:
    return int(time.time() * SECOND_MS)
