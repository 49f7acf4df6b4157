"""Words, scales and tooltips of the report."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from liq.cli.report.answers import Period
from liq.cli.report.svg import Drawing, Scale, ticks
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
    ("low", "high", "count", "expected"),
    [
        (0, 10, 4, [0, 2.5, 5, 7.5, 10]),
        (-6.8, 10.8, 6, [-5, 0, 5, 10]),
        (63_727, 64_092, 4, [63_800, 63_900, 64_000]),
        (0, 0, 4, [0]),
    ],
)
def test_ticks_are_round_numbers(
    low: float, high: float, count: int, expected: list[float]
) -> None:
    assert ticks(low, high, count) == pytest.approx(expected)


def test_a_scale_maps_its_ends() -> None:
    scale = Scale(10, 20, 100, 0)
    assert [scale(10), scale(15), scale(20)] == [100, 50, 0]
    assert Scale(5, 5, 7, 9)(5) == 7


def test_text_in_a_drawing_cannot_become_markup() -> None:
    hostile = "<script>alert('x')</script> & \"quotes\""
    drawing = Drawing(100, 100, hostile)
    drawing.rect(0, 0, 10, 10, "long", hostile, note=hostile)
    drawing.text(0, 0, hostile)
    drawing.dot(1, 1, "dot0", hostile)
    root = ET.fromstring(drawing.markup())[0]  # noqa: S314 - our own
    assert root.get("aria-label") == hostile
    assert [element.text for element in root.iter("title")] == [hostile, hostile]
    assert [element.text for element in root.iter("text")] == [hostile]
    assert root.find(".//script") is None


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
