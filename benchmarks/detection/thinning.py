"""Comparison of estimates with the truth on recordings: a complete feed, thinned as by a sample.

The liquidations of the complete venue in a recording's cascades are the truth. The estimate uses
only the largest of each symbol and second, which a sampled feed would have published.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from benchmarks.detection.claims import ClaimTally
from liq.processors.backtesting.dollars import Dollars, published_amounts
from liq.processors.cascades.observation import Observation
from liq.processors.cascades.sampling import estimate
from liq.processors.cascades.totals import GroupTotal
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Scope, Side

COMPLETE_VENUE: Final = "bybit"
#: A venue that publishes the largest liquidation of each symbol and second, since April 2026.
SAMPLED_VENUE: Final = "binance"
SAMPLED_SINCE_MS: Final = 1_776_124_800_000


class _Slot(NamedTuple):
    symbol: str
    side: Side
    second: int


def largest_of_a_second(observations: Iterable[Observation]) -> list[Observation]:
    """Return the largest liquidation of each symbol, side and second."""
    largest: dict[_Slot, Observation] = {}
    for event in observations:
        slot = _Slot(event.symbol, event.side, event.timestamp_ms // SECOND_MS)
        held = largest.get(slot)
        if held is None or event.cents > held.cents:
            largest[slot] = event
    return list(largest.values())


def add_thinned(
    tally: ClaimTally, alerts: Iterable[CascadeAlert], observations: Sequence[Observation]
) -> None:
    """Count the estimates that the ended cascades of a recording would have had.

    Cascades without a liquidation of the complete venue do not count.
    """
    complete = [event for event in observations if event.exchange == COMPLETE_VENUE]
    truth = Dollars(published_amounts(complete))
    thinned = Dollars(published_amounts(largest_of_a_second(complete)))
    for alert in alerts:
        if alert.type is not AlertType.ENDED or alert.scope is not Scope.ASSET:
            continue
        true_cents, cents = (
            dollars.cents(
                alert.asset,
                alert.side,
                after_ms=alert.started_at_ms - 1,
                until_ms=(alert.ended_at_ms or 0) - 1,
            )
            for dollars in (truth, thinned)
        )
        if not true_cents:
            continue
        made = estimate({SAMPLED_VENUE: GroupTotal(0, 1, cents)}, cents, SAMPLED_SINCE_MS)
        if made is not None:
            tally.add_estimate(made.low_cents, made.cents, made.high_cents, true_cents)
