"""The cascade detector of one asset: fixed thresholds over a trailing window of event time."""

from processors.cascades import alerts
from processors.cascades.config import END_GRACE_MS, FUTURE_TOLERANCE_MS, DetectorConfig
from processors.cascades.entry import Entry, entry_of, is_plausible
from processors.cascades.score import assess
from processors.cascades.state import AssetState, Lane, OpenCascade
from processors.cascades.tally import tally_of
from processors.cascades.window import TrailingWindow
from schemas.records import CascadeAlert, Liquidation
from schemas.vocabulary import Side


class CascadeDetector:
    """Turns the liquidations of one asset, in log order, into the records of its cascades.

    The detector holds nothing but its configuration; what it knows is in the state. `step` and
    `advance` take the state over, change it and hand it back: go on with what they return.
    """

    def __init__(self, config: DetectorConfig) -> None:
        """Take the thresholds."""
        self._config = config
        self._window_ms = config.window_ms
        self._min_micro_usd = config.min_value_micro_usd
        self._identity = config.identity

    def new_state(self) -> AssetState:
        """The state of an asset that nothing is known of."""
        return AssetState(
            Lane(TrailingWindow(self._window_ms)), Lane(TrailingWindow(self._window_ms))
        )

    def step(self, state: AssetState, event: Liquidation) -> tuple[AssetState, list[CascadeAlert]]:
        """Apply one liquidation of the asset, after ending what was over before it came."""
        state.move_clock(event.received_at_ms)
        made = self._end_due(state, state.clock_ms)
        entry = self._admit(state, event)
        if entry is not None:
            made += self._apply(state, event, entry)
        return state, made

    def advance(self, state: AssetState, clock_ms: int) -> tuple[AssetState, list[CascadeAlert]]:
        """End what is over now that the log's clock has reached `clock_ms`.

        The time itself is not kept, so a heartbeat that ends nothing changes nothing.
        """
        return state, self._end_due(state, clock_ms)

    def finish(self, state: AssetState) -> list[CascadeAlert]:
        """The ends of what is still open, for a log that will not go on."""
        return [alerts.ended(cascade, self._window_ms) for cascade in _by_end(state)]

    def is_idle(self, state: AssetState, clock_ms: int) -> bool:
        """Whether a new state in its place would give the same alerts from now on.

        True when nothing is open and the log's clock has left the asset's so far behind that
        events it knows of are too late even when repeated.
        """
        newest_ms = max(state.clock_ms, state.longs.window.newest_ms, state.shorts.window.newest_ms)
        return not state.open_cascades and clock_ms > newest_ms + self._config.idle_after_ms

    def _admit(self, state: AssetState, event: Liquidation) -> Entry | None:
        """The event as it takes part; None, and counted, when it does not."""
        if not is_plausible(event):
            state.implausible += 1
            return None
        if event.event_id in state.recent_ids:
            state.duplicates += 1
            return None
        timestamp_ms = event.timestamp_ms
        if timestamp_ms > event.received_at_ms + FUTURE_TOLERANCE_MS:
            state.future += 1
            timestamp_ms = event.received_at_ms
        lane, _ = state.lanes(event.side)
        oldest_ms = max(state.clock_ms - self._config.reach_ms, lane.ended_until_ms + 1)
        if timestamp_ms < oldest_ms:
            state.late += 1
            return None
        state.recent_ids.add(state.clock_ms, event.event_id)
        return entry_of(event, timestamp_ms)

    def _apply(self, state: AssetState, event: Liquidation, entry: Entry) -> list[CascadeAlert]:
        lane, other = state.lanes(event.side)
        window, cascade = lane.window, lane.cascade
        is_hot = window.add(entry) and self._meets_thresholds(window)
        goes_on = cascade is not None and window.newest_ms < cascade.last_hot_ms + self._window_ms
        if cascade is not None and (goes_on or not is_hot):
            cascade.include(entry, window.newest_ms if is_hot else None)
        if not is_hot:
            return []
        moment = assess(self._config, window, other.window, is_long=event.side is Side.LONG)
        if cascade is not None and goes_on:
            cascade.observe(moment)
            return []
        # A cascade whose last window has passed is over although its grace has not.
        made = [] if cascade is None else [self._end(lane, cascade)]
        started_at_ms = window.entries[0].timestamp_ms
        lane.cascade = OpenCascade(
            cascade_id=alerts.cascade_id(
                self._identity, event.base, event.side, started_at_ms, event.event_id
            ),
            detector=self._identity,
            asset=event.base,
            side=event.side,
            started_at_ms=started_at_ms,
            last_hot_ms=window.newest_ms,
            confirmed=tally_of(window.entries),
            peak=moment,
            basic_peak=moment.basic_risk_score,
        )
        return [*made, alerts.detected(lane.cascade)]

    def _meets_thresholds(self, window: TrailingWindow) -> bool:
        return window.count >= self._config.min_events and window.micro_usd >= self._min_micro_usd

    def _end_due(self, state: AssetState, clock_ms: int) -> list[CascadeAlert]:
        due_ms = clock_ms - self._window_ms - END_GRACE_MS
        return [
            self._end(state.lanes(cascade.side)[0], cascade)
            for cascade in _by_end(state)
            if cascade.last_hot_ms <= due_ms
        ]

    def _end(self, lane: Lane, cascade: OpenCascade) -> CascadeAlert:
        lane.cascade = None
        lane.ended_until_ms = cascade.last_hot_ms
        lane.window.discard_until(cascade.last_hot_ms)
        return alerts.ended(cascade, self._window_ms)


def _by_end(state: AssetState) -> list[OpenCascade]:
    """The open cascades in the order in which they are over, longs before shorts."""
    return sorted(state.open_cascades, key=lambda cascade: cascade.last_hot_ms)
