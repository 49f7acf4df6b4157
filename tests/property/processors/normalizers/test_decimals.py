"""Numbers and price levels, against definitions written another way."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from math import floor, log

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st

from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.numbers import positive_decimal, positive_price
from liq.processors.normalizers.price_levels import price_level
from liq.schemas.records import Liquidation

QUANTUM = Decimal("1e-12")
PRICE_QUANTUM = Decimal("1e-18")
BTC_STEP = Decimal(100)
CONFIG = NormalizerConfig(Decimal(100_000), BTC_STEP)
BOOK = load_snapshot()
prices = st.decimals(min_value=PRICE_QUANTUM, max_value=10**15, places=18).filter(bool)


@given(st.decimals(min_value=0, max_value=10**20, allow_nan=False))
def test_a_number_is_its_text_rounded_to_twelve_places(number: Decimal) -> None:
    text = format(number, "f")
    assume(len(text) <= 40)
    with localcontext() as context:
        context.prec = 60
        expected = number.quantize(QUANTUM, ROUND_HALF_EVEN)
    try:
        assert positive_decimal(text, "x") == expected
    except EntryError:
        assert expected == 0


@given(st.decimals(min_value=0, max_value=10**19, allow_nan=False))
def test_a_price_is_its_text_rounded_to_eighteen_places(number: Decimal) -> None:
    text = format(number, "f")
    assume(len(text) <= 40)
    with localcontext() as context:
        context.prec = 60
        expected = number.quantize(PRICE_QUANTUM, ROUND_HALF_EVEN)
    try:
        assert positive_price(text, "x") == expected
    except EntryError:
        assert expected == 0


CONTRACTS = {
    "10000000AIDOGEUSDT": 7,
    "1MBABYDOGEUSDT": 6,
    "1000000MOGUSDT": 6,
    "1000SATSUSDT": 3,
    "BTCUSDT": 0,
}


@given(
    symbol=st.sampled_from(sorted(CONTRACTS)),
    price=st.decimals("0.00001", "100000", places=8),
    size=st.decimals("1", "1000000", places=3),
)
def test_quantity_times_price_is_the_value(symbol: str, price: Decimal, size: Decimal) -> None:
    row = {
        "T": 1_790_000_000_000,
        "s": symbol,
        "S": "Buy",
        "v": format(size, "f"),
        "p": format(price, "f"),
    }
    frame = orjson.dumps({"topic": f"allLiquidation.{symbol}", "data": [row]})
    metadata = FrameMetadata("bybit", "linear", 1_790_000_000_000)
    [event] = normalize(frame, metadata, BOOK, CONFIG)
    assert isinstance(event, Liquidation)
    product, value = Fraction(event.price) * Fraction(event.quantity), Fraction(event.value_usd)
    assert abs(product - value) <= value / 10**6
    assert event.quantity == size.scaleb(CONTRACTS[symbol])


@given(prices)
def test_a_level_is_the_nearest_multiple_of_its_step(price: Decimal) -> None:
    level = price_level(price, "BTC", BTC_STEP)
    nearest = floor(Fraction(price) / 100 + Fraction(1, 2)) * 100
    assert level == (nearest or 100)


@given(prices.filter(lambda price: price > Decimal("1e-14")))
def test_other_assets_step_is_nearest_to_a_thousandth_in_ratio(price: Decimal) -> None:
    level = price_level(price, "ETH", BTC_STEP)
    target = Fraction(price) / 1000
    steps = [
        Fraction(multiple) * Fraction(10) ** power
        for power in range(-18, 14)
        for multiple in (1, 2, 5)
    ]
    step = min(steps, key=lambda candidate: abs(log(candidate / target)))
    assert Fraction(level) % step == 0
    assert abs(Fraction(level) - Fraction(price)) <= step / 2


@given(prices)
def test_a_level_is_never_zero(price: Decimal) -> None:
    assert price_level(price, "DOGE", BTC_STEP) >= PRICE_QUANTUM
    assert price_level(price, "BTC", BTC_STEP) >= BTC_STEP
