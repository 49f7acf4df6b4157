"""What a currency is worth: which prices count, how many it takes, and what is no rate."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.producers.reference.rate_rules import (
    EVENTS,
    MAX_AGE_MS,
    WINDOW_MS,
    Price,
    choose,
    plausible_usd,
    price_of,
    rate_of,
)
from liq.schemas.records import Rate
from liq.schemas.vocabulary import Arrival, ContractKind, PriceKind
from tests.support.sample_records import liquidation

NOW_MS = 1_790_000_000_000
FILL = replace(
    liquidation(),
    exchange="kraken",
    base="BTC",
    quote="USD",
    contract=ContractKind.LINEAR,
    price=Decimal("64000.5"),
    price_kind=PriceKind.FILL,
    received_at_ms=NOW_MS,
    rate=None,
    arrival=Arrival.LIVE,
)


def price(exchange: str, usd: str, age_ms: int = 1_000) -> Price:
    return Price(exchange, Decimal(usd), NOW_MS - age_ms)


def rate(usd: str, age_ms: int = 0, source: str = EVENTS) -> Rate:
    return Rate(currency="BTC", usd=Decimal(usd), timestamp_ms=NOW_MS - age_ms, source=source)


def test_a_fill_of_a_linear_contract_in_dollars_is_a_price() -> None:
    assert price_of(FILL) == Price("kraken", Decimal("64000.5"), NOW_MS)
    assert price_of(replace(FILL, price_kind=PriceKind.AVERAGE_FILL, quote="USDT")) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"price_kind": PriceKind.BANKRUPTCY},
        {"price_kind": PriceKind.ORDER},
        {"contract": ContractKind.INVERSE},
        {"contract": ContractKind.QUANTO},
        {"quote": "EUR"},
        {"rate": Decimal(1), "rate_currency": "USDT"},
        {"arrival": Arrival.BACKFILLED},
        {"arrival": Arrival.RETRIED},
    ],
)
def test_no_other_event_shows_a_market_price(changes: dict[str, object]) -> None:
    assert price_of(replace(FILL, **changes)) is None  # type: ignore[arg-type]  # as in the table


def test_a_rate_is_the_median_and_as_old_as_the_newest_price() -> None:
    prices = [price("a", "64000", 90_000), price("b", "64100", 2_000), price("a", "1", 50_000)]
    assert rate_of("BTC", prices, NOW_MS) == rate("64000", 2_000)
    even = [*prices, price("c", "64200", 3_000)]
    assert rate_of("BTC", even, NOW_MS) == rate("64050", 2_000)


@pytest.mark.parametrize(
    "prices",
    [
        [],
        [price("a", "64000"), price("b", "64000")],
        [price("a", "64000")] * 50,
        [price("a", "64000"), price("b", "64000"), price("c", "64000", WINDOW_MS + 1)],
        [price("a", "64000"), price("b", "64000"), price("c", "64000", -1)],
    ],
    ids=["none", "two", "one venue", "an old one", "one of the future"],
)
def test_too_few_prices_are_no_rate(prices: list[Price]) -> None:
    assert rate_of("BTC", prices, NOW_MS) is None


def test_a_jump_is_doubted_until_the_earlier_rate_is_too_old_to_value_anything() -> None:
    jumped, ticker = rate("1000"), rate("63000", source="kraken")
    earlier = rate("64000", 60_000)
    assert choose([jumped, ticker], earlier, NOW_MS) == ticker
    assert choose([jumped], earlier, NOW_MS) is None
    assert choose([jumped], rate("64000", MAX_AGE_MS + 1), NOW_MS) == jumped
    assert choose([jumped], None, NOW_MS) == jumped
    assert choose([], None, NOW_MS) is None
    assert choose([rate("76800")], earlier, NOW_MS) == rate("76800")


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_rate_fits_what_is_stored(usd: Decimal) -> None:
    kept = plausible_usd(usd)
    if kept is not None:
        assert 0 < kept < 10**15
        assert abs(kept - usd) <= Decimal("1e-12")
        assert int(kept.as_tuple().exponent) >= -12
