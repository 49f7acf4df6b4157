"""What the two detecting stages publish, and where."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from liq.processors.cascades import CascadeEngine, DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.market import MarketProgress, MarketStage
from liq.processors.stages.output import Output
from liq.processors.stages.owned import BatchResult, Group, OwnedPartition
from liq.processors.stages.waiting import WaitingSources
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import feed_headers
from liq.schemas.codec import decode, encode
from liq.schemas.headers import (
    CASCADE,
    RECORD,
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


def test_both_stages_together_publish_the_bytes_of_one_reader() -> None:
    of_assets = detected(EVENTS)
    published = on(TOPICS.cascades, of_assets)
    published += on(TOPICS.cascades, judged(on(TOPICS.pulse, of_assets)))
    engine = CascadeEngine(CONFIG)
    made = [alert for place, event in enumerate(EVENTS) for alert in engine.apply(event, place)]
    made += engine.heartbeat(END_MS, len(EVENTS))
    expected = [encode(alert) for alert in made if alert.type is not AlertType.WATCH]
    assert sorted(record.value or b"" for record in published) == sorted(expected)
