"""Tables of the quality of records' forecasts of the next minute."""

from collections.abc import Sequence
from statistics import mean

from benchmarks.detection.page import markdown
from liq.processors.backtesting.forecasts import Forecast, Outcome, reliability
from liq.schemas.vocabulary import AlertType


def reliability_table(forecasts: Sequence[Forecast]) -> str:
    """Return a table by probability: observed frequency, and dollars expected and seen."""
    headings = ("said", "records", "mean said", "happened", "dollars expected", "dollars seen")
    rows = [
        (
            f"{each.low:.2f} to {each.high:.2f}",
            str(each.records),
            f"{each.said:.2f}",
            f"{each.happened:.2f}",
            f"{each.expected_cents / 100:,.0f}",
            f"{each.more_cents / 100:,.0f}",
        )
        for each in reliability(forecasts)
    ]
    return markdown(headings, rows)


def what_followed(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """Return rows by kind of record: number of records, observed frequency, and mean dollars."""
    rows: list[tuple[str, ...]] = []
    for kind in AlertType:
        found = [outcome for outcome in outcomes if outcome.kind is kind]
        if found:
            rows.append(
                (
                    kind.removeprefix("CASCADE_").lower(),
                    str(len(found)),
                    f"{mean(outcome.has_happened for outcome in found):.2f}",
                    f"{mean(outcome.more_cents for outcome in found) / 100:,.0f}",
                )
            )
    return rows
