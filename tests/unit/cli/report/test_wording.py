"""Words and steps of the report."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from liq.cli.report.answers import Period
from liq.cli.report.wording import dollars, duration, level


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0"),
        (Decimal("0.5"), "$0.50"),
        (9.994, "$9.99"),
        (12, "$12.0"),
        (999.4, "$999"),
        (999.6, "$1.00k"),
        (Decimal(999999), "$1.00M"),
        (-1500, "$-1.50k"),
        (12_345_678, "$12.3M"),
        (10**12, "$1000B"),
    ],
)
def test_dollars_have_three_digits(value: Decimal | float, text: str) -> None:
    assert dollars(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60, "60 s"), (300, "5 min"), (5400, "90 min"), (7200, "2 h"), (9000, "2.5 h")],
)
def test_durations_have_a_suitable_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("price", "text"),
    [("64000.000000000000", "64,000"), ("0.072500000000", "0.0725"), ("1786.50", "1,786.5")],
)
def test_levels_have_no_zeros_behind(price: str, text: str) -> None:
    assert level(Decimal(price)) == text


@pytest.mark.parametrize(
    ("days", "step_seconds"),
    [(1 / 24, 60), (0.4, 300), (2, 1800), (7, 7200), (30, 43_200), (200, 86_400)],
)
def test_a_period_has_a_readable_number_of_steps(days: float, step_seconds: int) -> None:
    until = datetime(2026, 7, 11, tzinfo=UTC)
    period = Period(until - timedelta(days=days), until)
    assert period.step_seconds == step_seconds
    starts = period.starts
    assert starts[0] <= period.since < starts[0] + timedelta(seconds=step_seconds)
    assert starts[-1] < until <= starts[-1] + timedelta(seconds=step_seconds)
