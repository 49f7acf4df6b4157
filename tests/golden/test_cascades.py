"""The cascades of two recordings, reviewed and stored; none of them changes by accident."""

import gzip
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import orjson
import pytest

from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.processors.cascades.snapshot import market_from_bytes, market_to_bytes
from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.schemas.capture import parse_capture_line
from liq.schemas.codec import encode
from liq.schemas.folding import Message, fold
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Scope, Side
from tests.support.paths import ROOT

CAPTURES = ROOT / "data" / "captures"
THREE_VENUES = "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
WHOLE_BINANCE = "2025-07-18_binance.jsonl.gz"
GOLDEN = {
    THREE_VENUES: Path(__file__).parent / "cascades_2026-07-08.json",
    WHOLE_BINANCE: Path(__file__).parent / "cascades_2025-07-18.json",
}
NORMALIZER = NormalizerConfig(Decimal(100_000), Decimal(100))
CENT = Decimal("0.01")
#: Of the cascades of assets in the recording of three venues.
AGAINST_THE_FLOW = 2


@cache
def events_of(name: str) -> tuple[Liquidation, ...]:
    book = load_snapshot()
    with gzip.open(CAPTURES / name) as lines:
        return tuple(
            record
            for line in map(parse_capture_line, lines)
            for record in normalize(
                line.frame.encode(),
                FrameMetadata(line.exchange, line.feed, line.received_at_ns // 1_000_000),
                book,
                NORMALIZER,
            )
            if isinstance(record, Liquidation)
        )


@cache
def alerts_of(name: str) -> tuple[CascadeAlert, ...]:
    engine = CascadeEngine(DetectorConfig())
    alerts = [
        alert
        for offset, event in enumerate(events_of(name))
        for alert in engine.apply(event, offset)
    ]
    return tuple(
        alert for alert in (*alerts, *engine.finish()) if alert.type is not AlertType.WATCH
    )


def ends(alerts: tuple[CascadeAlert, ...]) -> list[CascadeAlert]:
    return [alert for alert in alerts if alert.type is AlertType.ENDED]


def clock(time_ms: int | None) -> str | None:
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")


def messages(alerts: Sequence[CascadeAlert]) -> list[Message]:
    return fold((alert.timestamp_ms, alert) for alert in alerts)


def cascades(alerts: tuple[CascadeAlert, ...]) -> list[dict[str, object]]:
    detected_at = {alert.cascade_id: alert.timestamp_ms for alert in alerts if not alert.sequence}
    notified = Counter(message.alert.cascade_id for message in messages(alerts))
    return [
        {
            "scope": end.scope,
            "asset": end.asset,
            "side": end.side,
            "onset": clock(end.started_at_ms),
            "detected": clock(detected_at[end.cascade_id]),
            "end": clock(end.ended_at_ms),
            "events": end.event_count,
            "value_usd": str(end.total_value_usd),
            "exchanges": list(end.exchanges),
            "level": end.level,
            "risk_score": end.risk_score,
            "notifications": notified[end.cascade_id],
        }
        for end in sorted(ends(alerts), key=lambda end: (end.started_at_ms, end.asset, end.side))
    ]


@pytest.mark.parametrize("name", GOLDEN)
def test_the_cascades_of_a_recording_are_the_reviewed_ones(name: str) -> None:
    """Each was compared with the raw events; its `review` says what they show."""
    stored = orjson.loads(GOLDEN[name].read_bytes())
    reviews = [cascade.pop("review") for cascade in stored]
    assert all(review.startswith(("Real", "Borderline")) for review in reviews)
    assert cascades(alerts_of(name)) == stored


def test_the_two_named_cascades_are_among_them() -> None:
    bitcoin = {
        (end.side, (clock(end.started_at_ms) or "")[:16]): end
        for end in ends(alerts_of(THREE_VENUES))
        if end.asset == "BTC"
    }
    shorts = bitcoin[Side.SHORT, "2026-07-10T01:48"]
    longs = bitcoin[Side.LONG, "2026-07-10T14:18"]
    assert shorts.event_count > 280
    assert shorts.risk_score > 75
    assert longs.risk_score > 70


def test_a_crash_of_small_assets_is_one_market_cascade_told_before_its_peak() -> None:
    told = [message.alert for message in messages(alerts_of(WHOLE_BINANCE))]
    assert {(alert.scope, alert.side) for alert in told} == {(Scope.MARKET, Side.LONG)}
    assert len({alert.cascade_id for alert in told}) == 1
    assert told[0].type is AlertType.DETECTED
    assert "2025-07-18T10:18:00" < (clock(told[0].timestamp_ms) or "") < "2025-07-18T10:19:30"


@pytest.mark.parametrize("name", GOLDEN)
def test_totals_are_those_of_the_events_between_onset_and_end(name: str) -> None:
    for end in ends(alerts_of(name)):
        values = [
            event.value_usd
            for event in events_of(name)
            if end.scope is Scope.MARKET or event.base == end.asset
            if event.side is end.side
            and end.started_at_ms <= event.timestamp_ms < (end.ended_at_ms or 0)
        ]
        assert end.event_count == len(values)
        assert abs(end.total_value_usd - sum(values)) <= CENT * len(values)


def written(events: Sequence[Liquidation]) -> list[bytes]:
    engine = CascadeEngine(DetectorConfig())
    alerts = [alert for place, event in enumerate(events) for alert in engine.apply(event, place)]
    return [encode(alert) for alert in (*alerts, *engine.finish())]


@pytest.mark.parametrize("name", GOLDEN)
def test_order_within_a_second_of_receipt_and_repeats_change_no_byte(name: str) -> None:
    chance = random.Random(20_260_710)  # noqa: S311 - no secrets
    shuffled = [*events_of(name), *events_of(name)[::5]]
    chance.shuffle(shuffled)
    shuffled.sort(key=lambda event: event.received_at_ms // 1_000)
    assert written(shuffled) == written(events_of(name))


@pytest.mark.parametrize("name", GOLDEN)
def test_a_crash_in_the_middle_of_a_cascade_changes_no_byte(name: str) -> None:
    events = events_of(name)
    in_a_cascade = next(end for end in ends(alerts_of(name)) if end.event_count > 100)
    middle_ms = (in_a_cascade.started_at_ms + (in_a_cascade.ended_at_ms or 0)) // 2
    cut = next(place for place, event in enumerate(events) if event.received_at_ms > middle_ms)
    config = DetectorConfig()
    first = CascadeEngine(config)
    made = [
        alert for place, event in enumerate(events[:cut]) for alert in first.apply(event, place)
    ]
    second = CascadeEngine(config)
    stored = {asset: data for asset, data in first.partition.touched().items() if data is not None}
    second.partition.restore(stored, first.partition.clock_ms)
    second.market.state = market_from_bytes(market_to_bytes(first.market.state), config, [0])
    for place, event in enumerate(events[cut:], cut):
        made += second.apply(event, place)
    made += second.finish()
    assert [encode(alert) for alert in made] == written(events)


@pytest.mark.parametrize("name", GOLDEN)
def test_peaks_count_from_the_onset(name: str) -> None:
    for end in ends(alerts_of(name)):
        seconds: dict[int, Decimal] = defaultdict(Decimal)
        for event in events_of(name):
            if (
                (end.scope is Scope.MARKET or event.base == end.asset)
                and event.side is end.side
                and end.started_at_ms <= event.timestamp_ms < (end.ended_at_ms or 0)
            ):
                seconds[event.timestamp_ms // 1_000] += event.value_usd
        busiest = [
            max(sum(seconds.get(start + step, 0) for step in range(width)) for start in seconds)
            for width in (1, 10, 60)
        ]
        assert end.analysis is not None
        told = end.analysis
        peaks = (told.peak_second_usd, told.peak_ten_seconds_usd, told.peak_window_usd)
        for peak, expected in zip(peaks, busiest, strict=True):
            assert peak == pytest.approx(expected, abs=CENT * end.event_count)
        assert told.largest_usd <= told.peak_second_usd


def counted(alert: CascadeAlert, events: Sequence[Liquidation]) -> list[Liquidation]:
    """What the record's own filter gives."""
    wanted = alert.events
    assert wanted is not None
    return [
        event
        for event in events
        if event.side is wanted.side
        and (not wanted.asset or event.base == wanted.asset)
        and wanted.from_ms <= event.timestamp_ms < wanted.to_ms
        and event.received_at_ms < wanted.received_before_ms
    ]


@pytest.mark.parametrize("name", GOLDEN)
def test_the_filter_of_a_record_gives_the_events_that_it_counts(name: str) -> None:
    compared = 0
    for alert in alerts_of(name):
        if alert.type is AlertType.LINKED:
            continue
        found = counted(alert, events_of(name))
        assert len(found) == alert.event_count
        assert sum(event.value_usd for event in found) == pytest.approx(
            alert.total_value_usd, abs=CENT * alert.event_count
        )
        assert set(alert.largest_event_ids) <= {event.event_id for event in found}
        if alert.estimate is not None:
            estimate = alert.estimate
            assert alert.total_value_usd <= estimate.low_usd + CENT
            assert estimate.low_usd <= estimate.value_usd <= estimate.high_usd
        compared += 1
    assert compared


@pytest.mark.parametrize("name", GOLDEN)
def test_a_price_and_the_distance_are_of_one_venue_and_kind(name: str) -> None:
    against = 0
    for end in ends(alerts_of(name)):
        if end.scope is Scope.MARKET:
            assert end.price is None
            continue
        price = end.price
        assert price is not None
        of_series = sorted(
            (event.timestamp_ms, event.price)
            for event in counted(end, events_of(name))
            if (event.exchange, event.symbol, event.price_kind)
            == (price.exchange, price.symbol, price.kind)
        )
        assert (price.first_ms, price.first) in of_series
        assert (price.now_ms, price.now) in of_series
        assert (end.price_first, end.price_last) == (price.first, price.now)
        moved = float(price.now / price.first - 1) * 10_000
        assert price.move_bps == pytest.approx(moved, abs=0.01)
        against += moved < 0 if end.side is Side.SHORT else moved > 0
    assert against <= AGAINST_THE_FLOW
