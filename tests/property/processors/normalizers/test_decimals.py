"""Numbers and price levels, against definitions written another way."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from math import floor, log

from hypothesis import assume, given
from hypothesis import strategies as st

from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.numbers import positive_decimal
from liq.processors.normalizers.price_levels import price_level

QUANTUM = Decimal("1e-12")
BTC_STEP = Decimal(100)
prices = st.decimals(min_value=QUANTUM, max_value=10**15, places=12).filter(bool)


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


@given(prices)
def test_a_level_is_the_nearest_multiple_of_its_step(price: Decimal) -> None:
    level = price_level(price, "BTC", BTC_STEP)
    nearest = floor(Fraction(price) / 100 + Fraction(1, 2)) * 100
    assert level == (nearest or 100)


@given(prices.filter(lambda price: price > Decimal("1e-8")))
def test_other_assets_step_is_nearest_to_a_thousandth_in_ratio(price: Decimal) -> None:
    level = price_level(price, "ETH", BTC_STEP)
    target = Fraction(price) / 1000
    steps = [
        Fraction(multiple) * Fraction(10) ** power
        for power in range(-12, 14)
        for multiple in (1, 2, 5)
    ]
    step = min(steps, key=lambda candidate: abs(log(candidate / target)))
    assert Fraction(level) % step == 0
    assert abs(Fraction(level) - Fraction(price)) <= step / 2


@given(prices)
def test_a_level_is_never_zero(price: Decimal) -> None:
    assert price_level(price, "DOGE", BTC_STEP) >= QUANTUM
    assert price_level(price, "BTC", BTC_STEP) >= BTC_STEP
