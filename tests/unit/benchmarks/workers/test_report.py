"""The table's limits."""

from benchmarks.workers.figures import Quartiles
from benchmarks.workers.report import (
    DETECT_RATE,
    LIMITS,
    MEMORY_OF_MANY,
    MOST,
    Row,
    compared,
    missed,
)


def row(measure: str, ratio: float) -> Row:
    return Row(measure, ratio, 1.0, Quartiles(0.0, ratio, 9.0))


def test_a_row_compares_rounds() -> None:
    assert compared("m", [10, 30], [20, 30]) == Row("m", 20, 25, Quartiles(0.625, 0.75, 0.875))


def test_the_median_is_held_against_the_limit_of_its_form() -> None:
    limit = LIMITS[DETECT_RATE]
    between = (limit.least + limit.short_least) / 2
    assert missed([row(DETECT_RATE, limit.least)], is_short=False) == []
    [sentence] = missed([row(DETECT_RATE, between)], is_short=False)
    assert DETECT_RATE in sentence
    assert missed([row(DETECT_RATE, between)], is_short=True) == []


def test_a_measure_without_a_limit_passes() -> None:
    assert missed([row("anything", 0.0)], is_short=False) == []


def test_memory_is_held_against_a_limit_of_its_own() -> None:
    measure = f"normalize, {MEMORY_OF_MANY}"
    assert missed([Row(measure, MOST[measure])], is_short=True) == []
    [sentence] = missed([Row(measure, MOST[measure] + 1)], is_short=True)
    assert measure in sentence
