"""One asset has one name, and a token that was replaced has the name of the event's time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.processors.normalizers.aliases import ASSET_OF, RENAME_OF, RENAMES, SPELLINGS, Rename
from liq.processors.normalizers.venues import binance, bybit, kraken
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import ContractKind

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
BOOK = load_snapshot()


def event_of(symbol: str, time: datetime) -> Liquidation:
    timestamp_ms = int(time.timestamp()) * 1_000
    row = {"T": timestamp_ms, "s": symbol, "S": "Buy", "v": "10", "p": "2"}
    frame = orjson.dumps({"topic": f"allLiquidation.{symbol}", "data": [row]})
    # Received years later, as a replay of an archive is: only the event's own time counts.
    metadata = FrameMetadata("bybit", "linear", 1_900_000_000_000)
    [event] = normalize(frame, metadata, BOOK, CONFIG)
    assert isinstance(event, Liquidation)
    return event


@pytest.mark.parametrize("rename", RENAMES, ids=lambda rename: rename.old)
def test_a_token_bears_the_name_of_its_time(rename: Rename) -> None:
    day = datetime.combine(rename.since, datetime.min.time(), UTC)
    names = {
        day - timedelta(days=900): rename.old,
        day - timedelta(seconds=1): rename.old,
        day: rename.new,
        day + timedelta(days=900): rename.new,
    }
    # In both orders, because markets are cached.
    for time in (*names, *reversed(names)):
        event = event_of(f"{rename.old}USDT", time)
        assert (event.base, event.symbol) == (names[time], f"{names[time]}USDT")
        assert event.native_symbol == f"{rename.old}USDT"
    assert event_of(f"{rename.new}USDT", day).base == rename.new


def test_a_rename_changes_no_number_and_no_id() -> None:
    day = datetime(2024, 9, 4, tzinfo=UTC)
    before, since = event_of("MATICUSDT", day - timedelta(seconds=1)), event_of("MATICUSDT", day)
    assert (before.price, before.quantity, before.value_usd) == (
        since.price,
        since.quantity,
        since.value_usd,
    )
    assert event_of("MATICUSDT", day).event_id == since.event_id


@pytest.mark.parametrize(
    ("base", "asset"),
    [("BEAMX", "BEAM"), ("DODOX", "DODO"), ("RONIN", "RON"), ("GOLD", "XAU"), ("XAUT", "XAUT")],
)
def test_spellings_meet_on_every_venue(base: str, asset: str) -> None:
    assert binance.usdm_market(f"{base}USDT").symbol == f"{asset}USDT"
    assert binance.usdm_market(f"{base}USDT").native_symbol == f"{base}USDT"
    assert kraken.futures_market(f"PF_{base}USD").base == asset


def test_settlement_bears_the_same_name() -> None:
    market = bybit.futures_market("MATICUSD", ContractKind.INVERSE)
    assert market.settle == "MATIC"
    assert market.renamed is not None
    assert (market.renamed.base, market.renamed.settle) == ("POL", "POL")


def test_the_table_leads_nowhere_twice_and_says_its_sources() -> None:
    assert len(ASSET_OF) == len(SPELLINGS)
    assert len(RENAME_OF) == len(RENAMES)
    assert set(ASSET_OF).isdisjoint(ASSET_OF.values())
    assert set(ASSET_OF).isdisjoint(RENAME_OF)
    assert set(RENAME_OF).isdisjoint(rename.new for rename in RENAMES)
    assert all(one.source and one.read_on for one in SPELLINGS)
    assert all(one.source for one in RENAMES)
    assert {"XAUT", "PAXG"}.isdisjoint(ASSET_OF)
