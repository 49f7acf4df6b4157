"""The beginning of a partition: from its snapshots, anew on another log, or rebuilt from the log.

Open cascades that nobody continues are ended here, each with its reason
(docs/decisions/0001-detector-state.md).
"""

from collections.abc import Collection
from typing import Generic

from aiokafka import TopicPartition

from liq.processors.cascades import DetectorConfig
from liq.processors.cascades.early_end import end_early, open_cascades
from liq.processors.stages.feed_records import feed_record
from liq.processors.stages.hooks import OwnedPartition, StageHooks, State
from liq.processors.stages.log_identity import LogPosition, Start, is_beyond, start_of
from liq.processors.stages.lost_state import lost_state_record
from liq.processors.stages.rebuilding import read_alerts, rebuild
from liq.processors.stages.state import RestoredState
from liq.runtime.log_gaps import topic_gap
from liq.runtime.logs import get_logger
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import Caveat, Scope

log = get_logger(__name__)


class Beginnings(StageHooks[State], Generic[State]):
    """The states with which partitions begin, and the records that report how."""

    def __init__(
        self, settings: Settings, config: DetectorConfig, input_topic: str, state_topic: str
    ) -> None:
        """Keep what beginnings need: the logs they read, and the detector whose state counts."""
        self._settings = settings
        self._config = config
        self._topics = settings.topics
        self._input_topic = input_topic
        self._state_topic = state_topic
        # The published alerts, read once for all partitions of one take-over.
        self._published: list[CascadeAlert] | None = None

    async def _begin(
        self, restored: RestoredState, position: LogPosition, note: str
    ) -> tuple[State, list[OutputRecord]]:
        """Return the state to continue from, and the records that report how it began.

        On return, `restored` has the snapshots of that state.
        """
        start = start_of(position, restored.log, is_claimed=restored.is_claimed)
        if start is Start.SNAPSHOTS:
            state = await self._restore(restored, note)
            if not is_beyond(position, self._last_offset(state)):
                if position.offset and not note:
                    await self._relearn(state, restored.partition, position.offset)
                records = self._left_records(restored.partition, state)
                records += await self._change_detector(restored, state)
                if restored.lost:
                    state, more = await self._rebuild(restored, position, state, set(restored.lost))
                    records += more
                return state, records
            start = Start.NEW_LOG
        restored.forget()
        if start is Start.NEW_LOG:
            state = await self._restore(restored, "")
            return state, await self._begin_log(restored, position)
        state = await self._restore(restored, note)
        return await self._rebuild(restored, position, state, None)

    async def _change_detector(self, restored: RestoredState, state: State) -> list[OutputRecord]:
        """End the cascades of a detector with other settings: this detector's ids differ."""
        identity = self._config.identity
        if restored.detector == identity or not restored.snapshots:
            return []
        left = await self._left_alerts()
        opened = open_cascades([*await self._alerts(), *left], until_ms=None)
        ended = [
            end_early(newest, Caveat.DETECTOR_CHANGED)
            for newest in opened.values()
            if newest.detector != identity
            and not _is_lost(newest, restored.lost)
            and await self._is_own(newest, restored.partition)
        ]
        if not ended:
            return []
        self._go_on(state, {})
        self._keep_changes(restored, state)
        log.warning("detector_changed", detector=identity, ended=len(ended))
        names = {each.cascade_id for each in ended}
        published = {each.alert_id for each in await self._alerts()}
        before = [
            alert for alert in left if alert.cascade_id in names and alert.alert_id not in published
        ]
        return self._end_records(restored.partition, [*before, *ended])

    async def _begin_log(
        self, restored: RestoredState, position: LogPosition
    ) -> list[OutputRecord]:
        """End the open cascades of the previous log, which receives no further records."""
        opened = open_cascades(await self._alerts(), until_ms=None)
        ended = [
            end_early(newest, Caveat.LOG_REPLACED)
            for newest in opened.values()
            if await self._is_own(newest, restored.partition)
        ]
        log_name = position.log or f"epoch {restored.epoch}"
        records = [
            *self._end_records(restored.partition, ended),
            *self._log_records(restored.partition, log_name),
        ]
        detail = (
            f"detection begins anew with partition {restored.partition} of {self._input_topic}, "
            f"another log than before; {len(ended)} open cascades are ended"
        )
        log.warning("log_begins", detail=detail, log=log_name)
        gap = topic_gap(self._settings, "detect", self._input_topic, detail)
        return [*records, feed_record(self._topics.feeds, gap)]

    async def _rebuild(
        self,
        restored: RestoredState,
        position: LogPosition,
        state: State,
        lost: Collection[str] | None,
    ) -> tuple[State, list[OutputRecord]]:
        """Rebuild lost snapshots from the last day of the log, up to the offset to continue from.

        If `lost` is None, all snapshots are lost.
        """
        partition = restored.partition
        rebuilt = await self._restore(RestoredState(partition, restored.epoch, {}), "")
        owned = OwnedPartition(partition, restored.epoch, rebuilt)
        until = position.offset or 0
        count = await rebuild(
            self._settings,
            TopicPartition(self._input_topic, partition),
            until,
            lambda batch: self._apply(owned, batch),
        )
        # A log that is read from its beginning repeats all alerts, so no cascade is ended here.
        alerts = await self._alerts() if until else []
        until_ms = self._clock_ms(state) or self._clock_ms(rebuilt) or None
        opened = {
            name: newest
            for name, newest in open_cascades(alerts, until_ms).items()
            if await self._is_own(newest, partition) and _is_lost(newest, lost)
        }
        going_on = self._go_on(rebuilt, {name: each.sequence for name, each in opened.items()})
        ended = [
            end_early(newest, Caveat.STATE_LOST)
            for name, newest in opened.items()
            if name not in going_on
        ]
        state = self._adopt(state, rebuilt, lost)
        self._keep_changes(restored, state)
        outcome = (
            f"rebuilt from {count} records of {self._input_topic}; {len(going_on)} open cascades "
            f"go on, marked, and {len(ended)} are ended"
        )
        lost_record = lost_state_record(self._settings, self._state_topic, restored, outcome)
        return state, [*self._end_records(partition, ended), lost_record]

    async def _alerts(self) -> list[CascadeAlert]:
        """Return the published alerts, read once a take-over: partitions share no cascades."""
        if self._published is None:
            self._published = await read_alerts(self._settings)
        return self._published

    def _keep_changes(self, restored: RestoredState, state: State) -> None:
        """Add the snapshots that have changed since the state was restored to those to claim."""
        for name, data in self._changes(state).items():
            restored.snapshots.pop(name, None)
            if data is not None:
                restored.snapshots[name] = data


def _is_lost(alert: CascadeAlert, lost: Collection[str] | None) -> bool:
    """Return whether an alert belongs to a lost snapshot; the market has a single snapshot."""
    if not lost:
        return lost is None
    return alert.scope is Scope.MARKET or alert.asset in lost
