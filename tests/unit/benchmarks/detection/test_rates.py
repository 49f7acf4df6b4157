"""Published liquidations an hour, of a hand-made day."""

from decimal import Decimal

from benchmarks.detection.day import Day
from benchmarks.detection.rates import Rates
from liq.processors.cascades.observation import Observation
from liq.schemas.vocabulary import Side


def seen(number: int, exchange: str) -> Observation:
    return Observation(
        event_id=str(number),
        base="BTC",
        side=Side.LONG,
        exchange=exchange,
        symbol="BTCUSDT",
        timestamp_ms=number,
        received_at_ms=number,
        cents=1,
        price=Decimal(1),
        is_complete=True,
    )


def test_rates_are_an_hour_and_a_repeat_counts_once() -> None:
    rates = Rates()
    complete = [seen(number, "bybit") for number in range(240)]
    rates.add(
        Day(1, [*complete, *complete[:100], *(seen(999 + n, "okx") for n in range(24))], [], [])
    )
    rates.add(Day(2, [], [], []))
    assert "| BTC | 6 | 5 | 66 | x13.2 |" in rates.table()
