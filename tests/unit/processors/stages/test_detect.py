"""What the two detecting stages publish, and where."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from liq.processors.cascades import CascadeEngine, DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.detect_note import DetectNote
from liq.processors.stages.hooks import BatchResult, OwnedPartition
from liq.processors.stages.log_identity import LogPosition
from liq.processors.stages.market import MarketProgress, MarketStage
from liq.processors.stages.output import Output
from liq.processors.stages.owned import Group
from liq.processors.stages.state import RestoredState
from liq.processors.stages.waiting import WaitingSources
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import feed_headers
from liq.schemas.codec import decode, encode
from liq.schemas.headers import (
    CASCADE,
    PUBLISHED,
    RECORD,
    grown_headers,
    heartbeat_headers,
    pulse_heartbeat_headers,
    text_header,
)
from liq.schemas.records import CascadeAlert, FeedStatus, Liquidation
from liq.schemas.vocabulary import AlertType, FeedEvent, Scope
from tests.support.cascade_events import START_MS, liquidation

SETTINGS = Settings()
TOPICS = SETTINGS.topics
NO_OUTPUT = cast(Output, None)
NO_GROUP = cast(Group, None)
CONFIG = DetectorConfig()
END_MS = START_MS + 400_000
EVENTS = [
    liquidation(f"{second}-{number}", second * 1_000 + number, base=f"A{number}", value_usd="20000")
    for second in range(40)
    for number in range(20)
]


def messages(records: Sequence[OutputRecord]) -> list[Any]:
    return [
        SimpleNamespace(
            topic=record.topic,
            timestamp=END_MS,
            offset=offset,
            value=record.value,
            headers=record.headers,
        )
        for offset, record in enumerate(records)
    ]


def detected(events: Sequence[Liquidation]) -> BatchResult:
    stage = DetectStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    log = [OutputRecord(TOPICS.events, b"", encode(event)) for event in events]
    log.append(OutputRecord(TOPICS.events, b"", None, heartbeat_headers(END_MS)))
    owned = OwnedPartition(0, 1, PartitionDetector(CONFIG))
    return stage._apply(owned, messages(log))


def test_alerts_of_assets_and_of_the_market_name_the_venues_that_heartbeats_name() -> None:
    log: list[OutputRecord] = []
    for second in range(-8, 40):
        headers = heartbeat_headers(START_MS + second * 1_000, ["gate", "binance:coinm"])
        log.append(OutputRecord(TOPICS.events, b"", None, headers))
        log += [
            OutputRecord(TOPICS.events, b"", encode(event))
            for event in EVENTS
            if (event.timestamp_ms - START_MS) // 1_000 == second
        ]
    stage = DetectStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    owned = OwnedPartition(0, 1, PartitionDetector(CONFIG))
    result = stage._apply(owned, messages(log))
    found = [*result.alerts, *judged(on(TOPICS.pulse, result)).alerts]
    assert {alert.scope for alert in found} == set(Scope)
    assert {alert.blind for alert in found} == {("binance:coinm", "gate")}


async def test_what_is_blind_and_the_clocks_are_committed_with_the_offset() -> None:
    stage = DetectStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    detector = PartitionDetector(CONFIG)
    for second in range(5):
        detector.heartbeat(START_MS + second * 1_000, second, ["gate"])
    note = stage._note(detector)
    again = await stage._restore(RestoredState(0, 1, {}), note)
    assert stage._note(again) == note
    assert again.blind_venues.at(START_MS // 1_000 + 5) == ("gate",)
    assert DetectNote.from_metadata(note).clock_ms == START_MS + 4_000


async def test_what_an_operator_s_commit_has_no_note_of_is_learned_from_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = [
        OutputRecord(
            TOPICS.events, b"", None, heartbeat_headers(START_MS + second * 1_000, ["gate"])
        )
        for second in range(5)
    ]
    asked: list[tuple[TopicPartition, int]] = []

    async def read(
        _: Settings, place: TopicPartition, until: int, __: int, apply: Callable[..., Any]
    ) -> int:
        asked.append((place, until))
        apply(messages(log))
        return len(log)

    monkeypatch.setattr("liq.processors.stages.detect.read_before", read)
    stage = DetectStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    claimed = RestoredState(3, 1, {})
    noted, _ = await stage._begin(claimed, LogPosition("", 5, 9), f"clock_ms={START_MS}")
    assert asked == []
    assert noted.blind_venues.at(START_MS // 1_000 + 5) == ()
    again, _ = await stage._begin(claimed, LogPosition("", 5, 9), "")
    assert asked == [(TopicPartition(TOPICS.events, 3), 5)]
    assert again.blind_venues.at(START_MS // 1_000 + 5) == ("gate",)


def judged(pulses: Sequence[OutputRecord]) -> BatchResult:
    stage = MarketStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    owned = OwnedPartition(
        0, 1, MarketProgress(MarketDetector(CONFIG, [0]), -1, WaitingSources([0]))
    )
    return stage._apply(owned, messages(pulses))


def on(topic: str, result: BatchResult) -> list[OutputRecord]:
    return [record for record in result.records if record.topic == topic]


def alerts(records: Sequence[OutputRecord]) -> list[CascadeAlert]:
    return [decode(CascadeAlert, record.value or b"") for record in records]


def test_an_asset_s_alert_is_published_at_once_and_repeated_for_the_market_stage() -> None:
    result = detected(EVENTS)
    published = on(TOPICS.cascades, result)
    assert {alert.type for alert in alerts(published)} >= {AlertType.DETECTED, AlertType.ENDED}
    assert {alert.scope for alert in alerts(published)} == {Scope.ASSET}
    assert {alert.parent_id for alert in alerts(published)} == {None}
    for record, alert in zip(published, alerts(published), strict=True):
        assert record.key == alert.cascade_id.encode()
        assert alert.notify is (alert.type is not AlertType.UPDATED)
    repeated = [
        record
        for record in on(TOPICS.pulse, result)
        if text_header(record.headers, RECORD) == CASCADE
    ]
    assert [record.value for record in repeated] == [record.value for record in published]
    watches = on(TOPICS.watch, result)
    assert watches
    measured = sorted(alert.alert_id for alert in result.alerts)
    assert measured == sorted(alert.alert_id for alert in alerts([*published, *watches]))


def test_the_market_stage_publishes_the_market_s_alerts_and_links() -> None:
    result = judged(on(TOPICS.pulse, detected(EVENTS)))
    made = alerts(on(TOPICS.cascades, result))
    assert made == result.alerts
    assert {(alert.scope, alert.type is AlertType.LINKED) for alert in made} == {
        (Scope.MARKET, False),
        (Scope.ASSET, True),
    }
    for record, alert in zip(on(TOPICS.cascades, result), made, strict=True):
        assert record.key == alert.cascade_id.encode()


def test_the_market_stage_publishes_alerts_that_an_older_detector_has_left_to_it() -> None:
    of_assets = detected(EVENTS)
    pulses = [
        replace(record, headers=[each for each in record.headers if each[0] != PUBLISHED])
        for record in on(TOPICS.pulse, of_assets)
    ]
    made = alerts(on(TOPICS.cascades, judged(pulses)))
    ours = [alert for alert in made if alert.type is not AlertType.LINKED]
    left = {alert.alert_id for alert in ours if alert.scope is Scope.ASSET}
    assert left == {alert.alert_id for alert in alerts(on(TOPICS.cascades, of_assets))}
    newer = alerts(on(TOPICS.cascades, judged(on(TOPICS.pulse, of_assets))))
    assert [alert for alert in made if alert.alert_id not in left] == newer


def test_a_partition_that_says_nothing_is_a_feed_record_once() -> None:
    stage = MarketStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    detector = MarketDetector(CONFIG, [0, 1])
    progress = MarketProgress(detector, -1, WaitingSources([0, 1]))
    owned = OwnedPartition(0, 1, progress)

    def heartbeats(source: int, seconds: range) -> list[OutputRecord]:
        log = [
            SimpleNamespace(
                offset=progress.last_offset + 1 + place,
                value=None,
                headers=pulse_heartbeat_headers(source, START_MS + second * 1_000),
                timestamp=START_MS + second * 1_000 + 40,
            )
            for place, second in enumerate(seconds)
        ]
        return on(TOPICS.feeds, stage._apply(owned, log))

    assert heartbeats(1, range(1)) == []
    assert heartbeats(0, range(30)) == []
    [record] = heartbeats(0, range(30, 100))
    status = decode(FeedStatus, record.value or b"")
    assert (status.event, status.from_ms, status.timestamp_ms) == (
        FeedEvent.WAITING,
        START_MS,
        START_MS + 30_000,
    )
    assert "partition 1 of liquidations.events has said nothing for 30 s" in status.detail
    assert list(record.headers) == feed_headers(status, record.value or b"")
    assert progress.waiting.waiting == (1,)
    assert heartbeats(1, range(99, 100)) == []
    assert heartbeats(0, range(101, 102)) == []
    assert progress.waiting.waiting == ()


def test_what_the_market_holds_is_shown_after_each_checkpoint() -> None:
    stage = MarketStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    progress = MarketProgress(MarketDetector(CONFIG, [0, 1]), -1, WaitingSources([0, 1]))
    owned = stage._owned[0] = OwnedPartition(0, 1, progress)
    stage._apply(owned, messages(on(TOPICS.pulse, detected(EVENTS))))
    stage._capture().written()
    held = [len(beats) + len(alerts) for beats, alerts in progress.detector.state.held.values()]
    assert sum(held) > 0
    assert REGISTRY.get_sample_value("liq_market_held") == sum(held)
    progress.detector.heartbeat(END_MS + 60_000, 0)
    progress.detector.heartbeat(END_MS + 60_000, 1)
    progress.is_changed = True
    stage._capture().written()
    assert REGISTRY.get_sample_value("liq_market_held") == 0


def test_both_stages_together_publish_the_bytes_of_one_reader() -> None:
    of_assets = detected(EVENTS)
    published = on(TOPICS.cascades, of_assets)
    published += on(TOPICS.cascades, judged(on(TOPICS.pulse, of_assets)))
    engine = CascadeEngine(CONFIG)
    made = [alert for place, event in enumerate(EVENTS) for alert in engine.apply(event, place)]
    made += engine.heartbeat(END_MS, len(EVENTS))
    expected = [encode(alert) for alert in made if alert.type is not AlertType.WATCH]
    assert sorted(record.value or b"" for record in published) == sorted(expected)


def grown(offset: int, source: int, partitions: int) -> Any:
    return SimpleNamespace(
        topic=TOPICS.pulse,
        timestamp=END_MS,
        offset=offset,
        value=None,
        headers=grown_headers(source, partitions),
        partition=0,
        key=b"heartbeat",
    )


def test_the_market_waits_for_no_partition_that_was_not_announced() -> None:
    output = cast(Output, SimpleNamespace(most_sources=12))
    stage = MarketStage(SETTINGS, output, NO_GROUP)
    progress = MarketProgress(MarketDetector(CONFIG, [0]), -1, WaitingSources([0]))
    owned = OwnedPartition(0, 1, progress)
    records = [grown(0, 0, 10_000), grown(1, 12, 12), grown(2, 11, 12), grown(3, 3, 12)]
    result = stage._apply(owned, records)
    assert [record.topic for record in result.records] == [TOPICS.rejected] * 2
    assert list(progress.detector.state.sources) == list(range(12))
