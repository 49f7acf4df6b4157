"""The recorded captures give exactly the liquidations that were recorded."""

import gzip
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.schemas.capture import parse_capture_line
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Side
from tests.support.paths import CAPTURES

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
CENT = Decimal("0.01")

Totals = dict[tuple[str, Side], tuple[int, Decimal]]


def events_of(name: str) -> list[Liquidation]:
    book = load_snapshot()
    events: list[Liquidation] = []
    with gzip.open(CAPTURES / name) as lines:
        for line in map(parse_capture_line, lines):
            metadata = FrameMetadata(line.exchange, line.feed, line.received_at_ns // 1_000_000)
            for result in normalize(line.frame.encode(), metadata, book, CONFIG):
                assert isinstance(result, Liquidation), result
                events.append(result)
    return events


def totals(events: list[Liquidation]) -> Totals:
    parts: dict[tuple[str, Side], list[Liquidation]] = defaultdict(list)
    for event in events:
        parts[event.exchange, event.side].append(event)
    return {key: (len(part), value_usd(part)) for key, part in parts.items()}


def value_usd(events: list[Liquidation]) -> Decimal:
    return sum((event.value_usd for event in events), Decimal(0)).quantize(CENT)


@pytest.fixture(scope="module")
def three_venues() -> list[Liquidation]:
    return events_of("2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz")


def test_three_venues_have_the_recorded_sides_and_dollars(three_venues: list[Liquidation]) -> None:
    assert totals(three_venues) == {
        ("binance", Side.LONG): (498, Decimal("13686288.09")),
        ("binance", Side.SHORT): (458, Decimal("6307970.13")),
        ("bybit", Side.LONG): (842, Decimal("5684850.50")),
        ("bybit", Side.SHORT): (1979, Decimal("23543164.57")),
        ("okx", Side.LONG): (436, Decimal("2417341.97")),
        ("okx", Side.SHORT): (552, Decimal("5553404.66")),
    }
    assert value_usd(three_venues) == Decimal("57193019.93")


def test_three_venues_have_distinct_ids(three_venues: list[Liquidation]) -> None:
    assert len({event.event_id for event in three_venues}) == 4765


def test_three_venues_have_the_recorded_institutional_events(
    three_venues: list[Liquidation],
) -> None:
    large = Counter(event.exchange for event in three_venues if event.is_institutional)
    assert large == {"binance": 44, "bybit": 35, "okx": 7}


def test_three_venues_are_comparable_by_symbol(three_venues: list[Liquidation]) -> None:
    assert {event.symbol for event in three_venues} == {
        "BTCUSDT",
        "ETHUSDT",
        "SOLUSDT",
        "XRPUSDT",
        "DOGEUSDT",
    }


def test_the_long_cascade_of_2025_has_the_recorded_sides_and_dollars() -> None:
    events = events_of("2025-07-18_binance.jsonl.gz")
    assert totals(events) == {
        ("binance", Side.LONG): (629, Decimal("840604.64")),
        ("binance", Side.SHORT): (161, Decimal("191767.97")),
    }


def test_ordinary_hyperliquid_trades_are_no_liquidations() -> None:
    assert events_of("hyperliquid_trades.jsonl.gz") == []
