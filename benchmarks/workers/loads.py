"""Loads of an exchange: the liquidations by asset and time, and their frames. Pure.

Two fifths of the orders are large and hit a few hot assets. In each second further assets become
hot, for some seconds each, so that cascades start all the time: the detector counts the orders of
an asset in half a second as one. The other orders are small, spread over all assets, and start no
cascade. The last seconds of a load hit a separate asset, whose alert shows that detection is at the
end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from liq.schemas.units import SECOND_MS

ASSETS: Final = tuple(f"A{number:02d}" for number in range(50))
#: An order's number is encoded in the decimal digits of its size.
NUMBER_DIGITS: Final = 7
PRICE: Final = "2.5"
LARGE_UNITS, SMALL_UNITS = 24_000, 4
LARGE_OF_FIVE: Final = 2
HOT_SECONDS: Final = 4
MARK_SECONDS, MARK_PER_SECOND = 5, 10


@dataclass(frozen=True, slots=True)
class Step:
    """A steady rate for some seconds; in each second, `fresh` further assets become hot."""

    seconds: int
    per_second: int
    fresh: int = 2


@dataclass(frozen=True, slots=True)
class Order:
    """A liquidation to send, `at_ms` after the beginning of the load."""

    number: int
    at_ms: int
    asset: str
    is_large: bool

    def frame(self, begin_ms: int) -> str:
        """Return the frame in Aster's dialect, with its due time as the exchange's time."""
        time_ms = begin_ms + self.at_ms
        units = LARGE_UNITS if self.is_large else SMALL_UNITS
        size = f"{units}.{self.number:0{NUMBER_DIGITS}d}"
        order = {
            "s": f"{self.asset}USDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": size,
            "p": PRICE, "ap": PRICE, "X": "FILLED", "l": size, "z": size, "T": time_ms,
        }  # fmt: skip
        return orjson.dumps({"e": "forceOrder", "E": time_ms, "o": order}).decode()


SILENCE: Final[tuple[Step, ...]] = ()
#: A warm-up for every part of a pipeline.
WARM: Final = (Step(1, 150),)


def orders(steps: Sequence[Step], *, first_number: int, mark: str) -> list[Order]:
    """Return the orders of a load by time, those of the mark last; none without steps."""
    found: list[Order] = []
    second = 0
    for step in steps:
        for _ in range(step.seconds):
            found += _second(step, second, first_number + len(found))
            second += 1
    if not found:
        return []
    end_ms, number = second * SECOND_MS, first_number + len(found)
    marked = [
        Order(number + place, end_ms + place * SECOND_MS // MARK_PER_SECOND, mark, is_large=True)
        for place in range(MARK_SECONDS * MARK_PER_SECOND)
    ]
    return [*found, *marked]


def _second(step: Step, second: int, first_number: int) -> Iterator[Order]:
    hot = HOT_SECONDS * step.fresh
    for place in range(step.per_second):
        number = first_number + place
        is_large = place % 5 < LARGE_OF_FIVE
        if is_large:
            index = second * step.fresh + place % hot
        else:
            index = place // 5 * (5 - LARGE_OF_FIVE) + place % 5 - LARGE_OF_FIVE
        at_ms = second * SECOND_MS + place * SECOND_MS // step.per_second
        yield Order(number, at_ms, ASSETS[index % len(ASSETS)], is_large)


def number_of(size: str) -> int:
    """Decode the number of an order from the size in its event, which lacks trailing zeros."""
    return int(size.partition(".")[2].ljust(NUMBER_DIGITS, "0"))
