"""The cascades of a recording, reviewed and stored; a change of any of them must be on purpose."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import orjson

from processors.cascades import DetectorConfig, PartitionDetector
from processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from schemas.capture import parse_capture_line
from schemas.records import CascadeAlert, Liquidation
from schemas.vocabulary import AlertType, Side

CAPTURES = Path(__file__).parent.parent.parent / "data" / "captures"
THREE_VENUES = "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
GOLDEN = Path(__file__).parent / "cascades_2026-07-08.json"
NORMALIZER = NormalizerConfig(Decimal(100_000), Decimal(100))
CENT = Decimal("0.01")


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
    detector = PartitionDetector(DetectorConfig())
    alerts = [
        alert
        for offset, event in enumerate(events_of(name))
        for alert in detector.apply(event, offset)
    ]
    return (*alerts, *detector.finish())


def ends(alerts: tuple[CascadeAlert, ...]) -> list[CascadeAlert]:
    return [alert for alert in alerts if alert.type is AlertType.ENDED]


def clock(time_ms: int | None) -> str | None:
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")


def cascades(alerts: tuple[CascadeAlert, ...]) -> list[dict[str, object]]:
    detected_at = {alert.cascade_id: alert.timestamp_ms for alert in alerts if not alert.sequence}
    return [
        {
            "asset": end.asset,
            "side": end.side,
            "start": clock(end.started_at_ms),
            "detected": clock(detected_at[end.cascade_id]),
            "end": clock(end.ended_at_ms),
            "events": end.event_count,
            "value_usd": str(end.total_value_usd),
            "exchanges": list(end.exchanges),
            "risk_score": end.risk_score,
            "basic_risk_score": end.basic_risk_score,
        }
        for end in sorted(ends(alerts), key=lambda end: (end.started_at_ms, end.asset, end.side))
    ]


def test_the_cascades_of_three_venues_are_the_reviewed_ones() -> None:
    assert cascades(alerts_of(THREE_VENUES)) == orjson.loads(GOLDEN.read_bytes())


def test_the_two_named_cascades_are_among_them() -> None:
    bitcoin = {
        (end.side, clock(end.started_at_ms)[:16]): end
        for end in ends(alerts_of(THREE_VENUES))
        if end.asset == "BTC"
    }
    shorts = bitcoin[Side.SHORT, "2026-07-10T01:48"]
    longs = bitcoin[Side.LONG, "2026-07-10T14:18"]
    assert (shorts.event_count, longs.event_count) == (292, 43)
    assert shorts.risk_score > 75
    assert longs.risk_score > 75


def test_totals_are_those_of_the_events_between_start_and_end() -> None:
    for end in ends(alerts_of(THREE_VENUES)):
        values = [
            event.value_usd
            for event in events_of(THREE_VENUES)
            if (event.base, event.side) == (end.asset, end.side)
            and end.started_at_ms <= event.timestamp_ms <= end.ended_at_ms
        ]
        assert end.event_count == len(values)
        assert end.total_value_usd == sum(values).quantize(CENT)


def test_many_small_assets_are_no_cascade_of_one_asset() -> None:
    assert alerts_of("2025-07-18_binance.jsonl.gz") == ()
