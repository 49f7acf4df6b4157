"""Foreign records cannot move the clocks of detection, and a state that one has moved is reset."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from liq.processors.cascades import DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.detect_note import DetectNote
from liq.processors.stages.hooks import OwnedPartition
from liq.processors.stages.market import MarketProgress, MarketStage
from liq.processors.stages.output import Output
from liq.processors.stages.owned import FUTURE_STATE_MS, Group
from liq.processors.stages.state import RestoredState
from liq.processors.stages.waiting import WaitingSources
from liq.runtime.log_notes import note_with_log, split_note
from liq.schemas.codec import decode, encode
from liq.schemas.headers import CLOCK_MS, pulse_heartbeat_headers
from liq.schemas.records import CascadeAlert, Liquidation, Rejected
from liq.schemas.vocabulary import AlertType, FeedEvent, Scope
from tests.support.cascade_events import liquidation
from tests.support.clock_log import (
    BURST_MS,
    HOUR_MS,
    SETTINGS,
    TOPICS,
    KeptOutput,
    Producer,
    alerts_of,
    burst,
    detected,
    normalized,
    statuses,
)

CONFIG = DetectorConfig()
NO_OUTPUT, NO_GROUP = cast("Output", None), cast("Group", None)


def foreign(topic: str, at_ms: int, value: bytes | None, headers: Any) -> Any:
    return SimpleNamespace(
        topic=topic, partition=0, offset=0, key=b"x", value=value, headers=headers, timestamp=at_ms
    )


def with_foreign(log: list[Any], record: Any) -> list[Any]:
    """The log with one more record at its place, and offsets in order."""
    merged = sorted([*log, record], key=lambda each: each.timestamp)
    for offset, each in enumerate(merged):
        each.offset = offset
    return merged


@pytest.mark.parametrize(
    "text", [b"%d" % (BURST_MS + HOUR_MS), b"%d" % (BURST_MS * 1_000), b"9" * 30, b"0", b"-5"]
)
@pytest.mark.parametrize("at_ms", [BURST_MS - 10_000, BURST_MS + 15_000])
def test_a_heartbeat_from_the_future_changes_no_byte(text: bytes, at_ms: int) -> None:
    log = normalized(burst(Producer()))
    expected = alerts_of(detected(log))
    result = detected(with_foreign(log, foreign(TOPICS.events, at_ms, None, [(CLOCK_MS, text)])))
    assert alerts_of(result) == expected
    [status] = statuses(result.records)
    assert (status.event, status.feed) == (FeedEvent.CLOCK, TOPICS.events)


def test_an_event_from_the_future_counts_when_it_was_appended() -> None:
    log = normalized(burst(Producer()))
    event = replace(
        liquidation("foreign", 0, base="ADA"),
        timestamp_ms=BURST_MS + HOUR_MS,
        received_at_ms=BURST_MS * 1_000,
    )
    record = foreign(TOPICS.events, BURST_MS + 5_000, encode(event), [])
    assert alerts_of(detected(with_foreign(log, record))) == alerts_of(detected(log))


def market() -> tuple[MarketStage, OwnedPartition[MarketProgress]]:
    progress = MarketProgress(MarketDetector(CONFIG, [0]), -1, WaitingSources([0]))
    return MarketStage(SETTINGS, NO_OUTPUT, NO_GROUP), OwnedPartition(0, 1, progress)


def test_a_pulse_heartbeat_from_the_future_moves_the_market_to_its_append_time_only() -> None:
    stage, owned = market()
    headers = pulse_heartbeat_headers(0, BURST_MS + HOUR_MS)
    result = stage._apply(owned, [foreign(TOPICS.pulse, BURST_MS, None, headers)])
    assert owned.state.detector.newest_ms() == BURST_MS
    [status] = statuses(result.records)
    assert status.feed == TOPICS.pulse


def test_a_heartbeat_of_a_partition_that_is_none_is_rejected() -> None:
    stage, owned = market()
    record = foreign(TOPICS.pulse, BURST_MS, None, pulse_heartbeat_headers(99, BURST_MS))
    [rejected] = stage._apply(owned, [record]).records
    assert rejected.topic == TOPICS.rejected
    assert decode(Rejected, rejected.value or b"").payload == b""
    assert list(owned.state.detector.state.sources) == [0]


def test_a_pulse_about_the_future_is_rejected_with_the_reason() -> None:
    stage, owned = market()
    [pulse, *_] = [
        each
        for each in detected(normalized(burst(Producer()))).records
        if each.topic == TOPICS.pulse
    ]
    record = foreign(TOPICS.pulse, BURST_MS - HOUR_MS, pulse.value, pulse.headers)
    result = stage._apply(owned, [record])
    [rejected] = [each for each in result.records if each.topic == TOPICS.rejected]
    assert b"is long after the record was appended" in (rejected.value or b"")
    assert not owned.state.detector.state.held


async def check(stage: Any, owned: Any, appended_ms: int | None) -> list[Any]:
    output = KeptOutput()

    class Delivering:
        async def deliver(self, records: list[Any]) -> None:
            await output.send(records)

    stage._output = Delivering()
    await stage._check_clock(owned, appended_ms)
    return output.records


def poisoned_market() -> tuple[MarketStage, OwnedPartition[MarketProgress]]:
    """The state of a release that believed a heartbeat an hour ahead."""
    stage, owned = market()
    detector = owned.state.detector
    detector.heartbeat(BURST_MS + HOUR_MS, 0)
    return stage, owned


def test_a_market_state_from_the_future_is_reset_and_reported() -> None:
    stage, owned = poisoned_market()
    records = asyncio.run(check(stage, owned, BURST_MS))
    [status] = statuses(records)
    assert status.detail == (
        "the stored state of partition 0 is 3600 s ahead of its newest record: "
        "what is ahead is dropped"
    )
    detector = owned.state.detector
    assert detector.newest_ms() == BURST_MS
    assert stage._changes(owned.state)  # it is stored healed
    detector.heartbeat(BURST_MS + 1_000, 0)
    assert detector.state.decided == BURST_MS // 1_000 + 1


@pytest.mark.parametrize("appended_ms", [None, BURST_MS + HOUR_MS - FUTURE_STATE_MS])
def test_a_state_that_its_log_explains_stays(appended_ms: int | None) -> None:
    stage, owned = poisoned_market()
    assert asyncio.run(check(stage, owned, appended_ms)) == []
    assert owned.state.detector.newest_ms() == BURST_MS + HOUR_MS


def test_assets_from_the_future_are_dropped_and_their_cascades_ended() -> None:
    detector = PartitionDetector(CONFIG)
    for offset in range(40):
        at_ms = BURST_MS + HOUR_MS + offset * 400 - 1_783_000_000_000
        detector.apply(liquidation(f"{offset}", at_ms), offset)
    detector.apply(liquidation("now", 1_000, base="ETH"), 40)
    detector.touched()
    stage, owned = DetectStage(SETTINGS, NO_OUTPUT, NO_GROUP), OwnedPartition(0, 1, detector)
    records = asyncio.run(check(stage, owned, BURST_MS))
    ended = [decode(CascadeAlert, each.value) for each in records if each.topic == TOPICS.cascades]
    assert [(alert.type, alert.scope) for alert in ended] == [(AlertType.ENDED, Scope.ASSET)]
    assert detector.assets == {"ETH"}
    assert detector.clock_ms == BURST_MS
    assert detector.touched() == {"BTC": None}


def test_a_stored_clock_from_the_future_is_reset() -> None:
    detector = PartitionDetector(CONFIG)
    detector.restore({}, BURST_MS + HOUR_MS)
    stage, owned = DetectStage(SETTINGS, NO_OUTPUT, NO_GROUP), OwnedPartition(0, 1, detector)
    asyncio.run(check(stage, owned, BURST_MS))
    log = normalized(burst(Producer()))
    events = [each for each in log if each.topic == TOPICS.events and each.timestamp >= BURST_MS]
    assert AlertType.DETECTED in {alert.type for alert in alerts_of(stage._apply(owned, events))}


def test_the_lags_of_venues_are_committed_with_the_clock() -> None:
    stage = DetectStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    detector = PartitionDetector(CONFIG)
    lagging: Liquidation = liquidation("a", 0, received_at_ms=180_000)
    detector.apply(lagging, 0)
    detector.heartbeat(BURST_MS + HOUR_MS, 1)
    note = stage._note(detector)
    restored = asyncio.run(stage._restore(cast("Any", RestoredState(0, 1, {})), note))
    assert restored.clock_ms == detector.clock_ms
    assert restored.jumped_from_ms == detector.jumped_from_ms is not None
    assert restored.venue_clocks.to_text() == detector.venue_clocks.to_text() != ""
    # It is committed with the name of the log behind it.
    committed = note_with_log(note, "7a4c8ede-4287-405b-b4c2-3122c4a29b00")
    assert split_note(committed)[0] == note
    clocks = [DetectNote.from_metadata(text).clock_ms for text in (committed, note)]
    assert clocks == [detector.clock_ms, detector.clock_ms]
