"""Comparison of ended cascades' prices and estimates of dollars with the truth."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from liq.processors.backtesting.dollars import Dollars
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side


@dataclass(slots=True)
class ClaimTally:
    """Counts over any number of logs.

    A cascade's price is `against` the flow if it rises while longs are liquidated, or falls while
    shorts are. `kept` are the ratios of observed to true dollars of the same time, if these are
    known. An estimate is `inside` if the truth lies in its range; `estimated` are the ratios of its
    dollars to the true ones.
    """

    priced: int = 0
    against: int = 0
    kept: list[float] = field(default_factory=list)
    estimated: list[float] = field(default_factory=list)
    inside: int = 0

    def add(self, alerts: Iterable[CascadeAlert], truth: Dollars | None) -> None:
        """Count the ended cascades of a log; `truth` are all liquidations, published or not."""
        for alert in alerts:
            if alert.type is not AlertType.ENDED:
                continue
            move = price_move(alert)
            if move is not None:
                self.priced += 1
                self.against += move > 0 if alert.side is Side.LONG else move < 0
            if truth is not None:
                self._add_dollars(alert, truth)

    def _add_dollars(self, alert: CascadeAlert, truth: Dollars) -> None:
        true_cents = truth.cents(
            alert.asset,
            alert.side,
            after_ms=alert.started_at_ms - 1,
            until_ms=(alert.ended_at_ms or 0) - 1,
        )
        if not true_cents:
            return
        self.kept.append(float(alert.total_value_usd) * 100 / true_cents)
        estimate = getattr(alert, "estimate", None)
        if estimate is not None:
            low, cents, high = (
                round(100 * usd)
                for usd in (estimate.low_usd, estimate.value_usd, estimate.high_usd)
            )
            self.add_estimate(low, cents, high, true_cents)

    def add_estimate(self, low_cents: int, cents: int, high_cents: int, true_cents: int) -> None:
        """Count the comparison of an estimate and its range with the truth."""
        self.estimated.append(cents / true_cents)
        self.inside += low_cents <= true_cents <= high_cents

    @property
    def median_kept(self) -> float:
        """The median share of the true dollars that was observed."""
        return median(self.kept) if self.kept else float("nan")

    @property
    def least_kept(self) -> float:
        """The observed share of the true dollars that nine of ten cascades exceed."""
        ordered = sorted(self.kept)
        return ordered[len(ordered) // 10] if ordered else float("nan")

    @property
    def inside_share(self) -> float:
        """The share of the estimates whose range contains the truth."""
        return self.inside / len(self.estimated) if self.estimated else float("nan")

    @property
    def median_estimated(self) -> float:
        """The median ratio of estimated to true dollars."""
        return median(self.estimated) if self.estimated else float("nan")


def price_move(alert: CascadeAlert) -> float | None:
    """Return the price's move since the onset in basis points; None without prices.

    The `price` of a record is that of one contract; older records have the first and last price of
    any contract.
    """
    price = getattr(alert, "price", None)
    if price is not None:
        return float(price.move_bps)
    if not alert.price_first or not alert.price_last:
        return None
    return float(10_000 * (alert.price_last / alert.price_first - 1))
