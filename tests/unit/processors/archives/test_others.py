"""Binance Vision, AgentFeed, cryptofeed, a node of Hyperliquid, and events of our own."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from liq.processors.archives import UnusableFileError, event_of_row
from liq.processors.normalizers import FrameMetadata, normalize
from liq.schemas.capture import parse_capture_line
from liq.schemas.codec import DecodeError, encode
from liq.schemas.records import Liquidation
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import Arrival, Completeness, PriceKind, Side
from tests.support.archive_files import (
    AGENTFEED,
    BOOK,
    CONFIG,
    CRYPTOFEED,
    VISION,
    VISION_PATH,
    import_events,
    import_text,
)
from tests.support.paths import CAPTURES
from tests.support.sample_records import liquidation
from tests.support.venue_fixtures import VENUE_FOLDERS

THREE_VENUES = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
# As they stand in the file of 2023-06-25.
VISION_ROWS = (
    "1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7",
    "1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7",
    "1687656473356,BUY,LIMIT,IOC,43,30756.6,30631.6,FILLED,1,43",
)


def live_events() -> list[Liquidation]:
    found = []
    with gzip.open(THREE_VENUES) as lines:
        for line in map(parse_capture_line, lines):
            metadata = FrameMetadata(
                line.exchange, line.feed, line.received_at_ns // MILLISECOND_NS
            )
            found += normalize(line.frame.encode(), metadata, BOOK, CONFIG)
    return [event for event in found if isinstance(event, Liquidation)]


def test_a_vision_row_that_stands_twice_is_one_order() -> None:
    events, bad, repeats = import_text("\n".join((VISION, *VISION_ROWS)), VISION_PATH)
    assert (len(events), bad, repeats) == (2, [], 1)
    first, _ = events
    assert (first.side, first.native_symbol, first.price_kind) == (
        Side.SHORT,
        "BTCUSD_PERP",
        PriceKind.AVERAGE_FILL,
    )
    assert (str(first.value_usd), str(first.price)) == ("700", "30631.6")
    assert (first.timestamp_ms, first.completeness) == (1_687_656_471_926, Completeness.SAMPLED)


def test_a_vision_row_has_the_id_of_the_live_order() -> None:
    order = {
        "s": "BTCUSDT",
        "S": "SELL",
        "q": "1",
        "p": "62246.2",
        "ap": "62472.05",
        "z": "0.8",
        "T": 1_728_866_962_145,
    }
    [live] = normalize(
        orjson.dumps({"e": "forceOrder", "o": order}),
        FrameMetadata("binance", "usdm", 1_728_866_962_145),
        BOOK,
        CONFIG,
    )
    assert isinstance(live, Liquidation)
    # Some files have no header.
    [event] = import_events(
        "1728866962145,SELL,LIMIT,IOC,1,62246.2,62472.05,FILLED,0.1,0.8",
        path="BTCUSDT-liquidationSnapshot-2024-10-14.zip/BTCUSDT-liquidationSnapshot-2024-10-14.csv",
    )
    assert replace(event, arrival=Arrival.LIVE, source=None) == live


def test_a_vision_file_needs_its_name() -> None:
    with pytest.raises(UnusableFileError, match="of which symbol"):
        import_text("\n".join((VISION, *VISION_ROWS)), "liquidations.csv")
    with pytest.raises(UnusableFileError, match="other columns"):
        import_text("open_time,open,high\n1,2,3", VISION_PATH)


def test_the_agentfeed_data_set_gives_the_ids_of_the_live_feeds() -> None:
    live = live_events()
    rows = [AGENTFEED]
    for event in sorted(live, key=lambda event: event.timestamp_ms):
        side = "long_liquidated" if event.side is Side.LONG else "short_liquidated"
        symbol, size, price = event.symbol, format(event.quantity, "f"), format(event.price, "f")
        rows.append(f"{event.timestamp_ms},2026,{symbol},{event.exchange},{side},{size},{price},0")
    events, bad, repeats = import_text("\n".join(rows))
    assert (len(events), bad, repeats) == (len(live), [], 0)
    by_id = {event.event_id: event for event in live}
    same = [event for event in events if event.event_id in by_id]
    # The capture's Bybit rows share frames: of equal rows of several times the count differs.
    assert len(same) > 0.99 * len(live)
    for event in same:
        assert event.value_usd == by_id[event.event_id].value_usd
        assert event.side is by_id[event.event_id].side
    totals = [sum(event.value_usd for event in each) for each in (events, live)]
    assert totals[0] == totals[1]


def test_rows_of_an_unknown_venue_or_event_are_told() -> None:
    row = "1783591834503,x,SOLUSDT,{},{},1,78,78"
    text = "\n".join(
        [
            AGENTFEED,
            row.format("kucoin", "long_liquidated"),
            row.format("okx", "adl"),
            row.format("okx", "long_liquidated").replace("SOLUSDT", "NOBODYUSDT"),
        ]
    )
    events, bad, _ = import_text(text)
    assert events == []
    assert [(each.line, each.reason) for each in bad] == [
        (2, "unknown_exchange"),
        (3, "invalid_side"),
        (4, "unknown_instrument"),
    ]


@pytest.mark.parametrize(
    ("row", "symbol", "side", "value"),
    [
        ("BINANCE_FUTURES,BTC-USDT-PERP,sell,0.5,60000,,filled", "BTCUSDT", Side.LONG, "30000"),
        ("BINANCE_DELIVERY,BTC-USD-PERP,buy,3,60000,,filled", "BTCUSD_PERP", Side.SHORT, "300"),
        # Bybit's word is the position's, and cryptofeed passes it on.
        ("BYBIT,BTC-USDT-PERP,buy,0.5,60000,,filled", "BTCUSDT", Side.LONG, "30000"),
        ("OKX,SOL-USDT-PERP,sell,3,78,,filled", "SOL-USDT-SWAP", Side.LONG, "234"),
        ("BITMEX,BTC-USD-PERP,sell,1200,60000,dd9c,unfilled", "XBTUSD", Side.LONG, "1200"),
    ],
)
def test_a_cryptofeed_row(row: str, symbol: str, side: Side, value: str) -> None:
    [event] = import_events(CRYPTOFEED, f"{row},1683591834.503,1683591835.1")
    assert (event.native_symbol, event.side) == (symbol, side)
    assert event.value_usd == Decimal(value)
    assert event.received_at_ms == 1_683_591_835_100
    if symbol != "XBTUSD":  # BitMEX has no time of its own
        assert event.timestamp_ms == 1_683_591_834_503


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("DERIBIT,BTC-USD-PERP,buy,10,60000,1,filled,1683591834.5,", "taker or maker"),
        ("KUCOIN,BTC-USD-PERP,buy,10,60000,1,filled,1683591834.5,", "none of"),
        ("OKX,BTC-USDT-23U29,buy,10,60000,1,filled,1683591834.5,", "PERP"),
        ("BINANCE_FUTURES,BTC-USDT-PERP,buy,10,60000,1,unfilled,1683591834.5,", "filled"),
        ("BYBIT,BTC-USDT-PERP,none,10,60000,1,filled,1683591834.5,", "neither"),
        ("BYBIT,BTC-USDT-PERP,buy,10,60000,1,filled,today,", "timestamp"),
    ],
)
def test_a_cryptofeed_row_that_cannot_be_used_is_told(row: str, says: str) -> None:
    events, [bad], _ = import_text(f"{CRYPTOFEED}\n{row}")
    assert events == []
    assert bad.line == 2
    assert says in bad.detail


def test_milliseconds_that_old_versions_passed_on() -> None:
    [event] = import_events(CRYPTOFEED, "BYBIT,BTC-USDT-PERP,buy,1,60000,,,1683591834503,")
    assert event.timestamp_ms == 1_683_591_834_503


def node_fixtures() -> list[dict[str, object]]:
    paths = sorted((VENUE_FOLDERS / "hyperliquid" / "fixtures").glob("*.json"))
    fixtures = [orjson.loads(path.read_bytes()) for path in paths]
    return [
        each
        for each in fixtures
        if each["feed"] == "nodeFills"
        and each["event_ids"]
        and (type(each["frame"]) is list or "events" in each["frame"])
        and b"liquidatedUser" in orjson.dumps(each["frame"])
    ]


def test_a_node_gives_the_ids_of_the_live_feed() -> None:
    fixtures = node_fixtures()
    assert fixtures
    lines = [orjson.dumps(each["frame"]) for each in fixtures]
    events, _, _ = import_text(b"\n".join(lines), "14")
    expected = [each for fixture in fixtures for each in fixture["event_ids"]]  # type: ignore[attr-defined]
    assert [event.event_id for event in events] == list(dict.fromkeys(expected))


def test_a_block_may_begin_with_another_field() -> None:
    frames = [each["frame"] for each in node_fixtures()]
    [block] = [frame for frame in frames if isinstance(frame, dict) and "local_time" in frame]
    events, bad, _ = import_text(orjson.dumps({"height": 1} | block), "14")
    assert events
    assert not bad


def test_fills_of_a_block_were_received_when_the_node_wrote_it() -> None:
    victim, other = "0x" + "a" * 40, "0x" + "b" * 40
    fill = {
        "coin": "BTC",
        "px": "60000",
        "sz": "0.5",
        "side": "A",
        "time": 1_760_130_900_100,
        "dir": "Close Long",
        "crossed": True,
        "tid": 7,
        "liquidation": {"liquidatedUser": victim, "markPx": "60000", "method": "market"},
    }
    block = {
        "local_time": "2025-10-10T21:15:00.923456789",
        "block_time": "2025-10-10T21:15:00.100",
        "block_number": 5,
        "events": [[other, fill | {"side": "B", "dir": "Open Long"}], [victim, fill]],
    }
    ordinary = block | {"block_number": 6, "events": [[other, {"coin": "BTC"}]]}
    lines = [orjson.dumps(ordinary), orjson.dumps(block), b'{"local_time":"x","liquidation" cut']
    events, [bad], _ = import_text(b"\n".join(lines), "20251010/21.lz4")
    assert [(event.side, event.received_at_ms) for event in events] == [
        (Side.LONG, 1_760_130_900_923)
    ]
    assert (bad.line, bad.reason) == (3, "not_json")


def test_events_of_our_own_keep_everything_but_their_origin() -> None:
    event = liquidation(7)
    text = b'{"clock_ms":1783591834000}\n' + encode(event) + b"\n{broken\n"
    [imported], [bad], _ = import_text(text, "events.jsonl")
    assert replace(imported, arrival=event.arrival, source=event.source) == event
    assert imported.arrival is Arrival.IMPORTED
    assert bad.line == 3


def test_a_capture_is_not_imported_but_replayed() -> None:
    with pytest.raises(UnusableFileError, match="liq replay"):
        import_text('{"received_at_ns":1,"exchange":"okx"}', "capture.jsonl")


def test_a_file_of_nothing_known_is_refused() -> None:
    with pytest.raises(UnusableFileError, match="no form that can be imported"):
        import_text("a,b\n1,2", "x.csv")


def test_a_stored_row_is_the_event_that_was_stored() -> None:
    event = liquidation(7)
    row = {name: getattr(event, name) for name in Liquidation.__slots__ if name != "source"}
    for name in ("timestamp", "received_at", "stamped_at"):
        row[name] = datetime.fromtimestamp(row.pop(f"{name}_ms") / 1000, UTC)
    row |= {"raw_topic": "t", "raw_partition": 0, "raw_offset": 3, "is_implausible": False}
    assert replace(event_of_row(row), source=event.source) == event
    assert event_of_row(row | {"stamped_at": None}).stamped_at_ms is None
    with pytest.raises(DecodeError, match="UTC"):
        event_of_row(row | {"timestamp": datetime(2026, 7, 9)})  # noqa: DTZ001 - the point
