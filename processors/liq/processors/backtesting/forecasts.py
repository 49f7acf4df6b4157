"""The quality of records' forecasts of the next minute: Brier score and reliability."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import mean
from typing import Final, NamedTuple

from liq.processors.backtesting.dollars import Dollars, published_amounts
from liq.processors.cascades.observation import Observation
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType

AHEAD_MS: Final = 60_000
LEAST_MORE_CENTS: Final = 25_000_000
EDGES: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Outcome(NamedTuple):
    """The minute after a record, by the venues' times.

    `has_happened` is true if at least as many dollars as the record's total, and at least $250k,
    were liquidated in it.
    """

    kind: AlertType
    has_happened: bool
    more_cents: int


class Forecast(NamedTuple):
    """A record's forecast, and its outcome.

    `probability` is that of `has_happened`, `expected_cents` the expected value of `more_cents`.
    """

    probability: float
    expected_cents: float
    outcome: Outcome


def outcomes_of(
    alerts: Iterable[CascadeAlert], observations: Iterable[Observation]
) -> list[tuple[CascadeAlert, Outcome]]:
    """Return the records of running and possible cascades, each with its outcome.

    Records of a log's last minute count, too, without any dollars after the end of the log.
    """
    dollars = Dollars(published_amounts(observations))
    return [
        (alert, outcome_of(alert, dollars))
        for alert in alerts
        if alert.type not in (AlertType.ENDED, AlertType.LINKED)
    ]


def outcome_of(alert: CascadeAlert, dollars: Dollars) -> Outcome:
    """Return the outcome of a record of a running or possible cascade."""
    more = dollars.cents(
        alert.asset,
        alert.side,
        after_ms=alert.timestamp_ms,
        until_ms=alert.timestamp_ms + AHEAD_MS,
    )
    again = max(LEAST_MORE_CENTS, round(alert.total_value_usd * 100))
    return Outcome(alert.type, more >= again, more)


def forecasts_of(outcomes: Iterable[tuple[CascadeAlert, Outcome]]) -> list[Forecast]:
    """Return the forecasts of the records that have one, with their outcomes."""
    found = []
    for alert, outcome in outcomes:
        said = forward_view(alert)
        if said is not None:
            probability, expected_usd = said
            found.append(Forecast(probability, expected_usd * 100, outcome))
    return found


def forward_view(alert: CascadeAlert) -> tuple[float, float] | None:
    """Return a record's probability and expected dollars; None for a record without them."""
    probability, expected = alert.continue_probability, alert.expected_more_usd
    if probability is None or expected is None:
        return None
    return float(probability), float(expected)


def brier(forecasts: Sequence[Forecast]) -> float:
    """Return the mean squared error of the probabilities; NaN without forecasts."""
    if not forecasts:
        return float("nan")
    return mean((item.probability - item.outcome.has_happened) ** 2 for item in forecasts)


def brier_skill(forecasts: Sequence[Forecast]) -> float:
    """Return the relative improvement of the score over always forecasting the frequency."""
    rate = frequency(forecasts)
    naive = rate * (1 - rate)
    return 1 - brier(forecasts) / naive if naive else float("nan")


def frequency(forecasts: Sequence[Forecast]) -> float:
    """Return the observed frequency; NaN without forecasts."""
    return mean(item.outcome.has_happened for item in forecasts) if forecasts else float("nan")


class Bin(NamedTuple):
    """Forecasts of similar probability and their outcomes, as means."""

    low: float
    high: float
    records: int
    said: float
    happened: float
    expected_cents: float
    more_cents: float


def reliability(forecasts: Sequence[Forecast]) -> list[Bin]:
    """Return bins by probability, with observed frequencies, and dollars expected and seen."""
    bins = []
    for low, high in pairwise(EDGES):
        inside = [
            item
            for item in forecasts
            if low <= item.probability < high or item.probability == high == EDGES[-1]
        ]
        if inside:
            bins.append(
                Bin(
                    low,
                    high,
                    len(inside),
                    mean(item.probability for item in inside),
                    frequency(inside),
                    mean(item.expected_cents for item in inside),
                    mean(item.outcome.more_cents for item in inside),
                )
            )
    return bins
