"""Limits of the rows of conditions, and the table that they stand in."""

from collections import Counter

from benchmarks.detection.conditions import Conditions
from benchmarks.detection.day import day_ms, make_day
from benchmarks.detection.limits import missed
from benchmarks.detection.planted import Kind
from benchmarks.detection.robustness import RowTally, limits, planted_bursts, report
from benchmarks.detection.rows import ROWS, Bounds
from benchmarks.detection.scorer import Tally


def tally(**changes: object) -> Tally:
    made = Tally(days=2, planted=Counter({Kind.MAJOR: 4}), found=Counter({Kind.MAJOR: 4}))
    made.true_incidents, made.false_by_day = 4, [0, 0]
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_major_without_a_message_misses_the_limit_of_every_row() -> None:
    assert missed(Bounds().limits("row", tally())) == []
    (sentence,) = missed(Bounds().limits("row", tally(untold_majors=1)))
    assert sentence == "row: majors without a message is 1.000, must be at most 0"
    assert missed(Bounds(most_untold=1).limits("row", tally(untold_majors=1))) == []


def test_each_bound_holds_its_figure() -> None:
    bounds = Bounds(
        least_recall=0.9,
        least_precision=0.9,
        most_false_a_day=0.5,
        most_false_of_market=0.5,
        most_market_minutes=60,
        most_delay_seconds=90,
    )
    assert missed(bounds.limits("row", tally(delays=[(Kind.MAJOR, 90.0)]))) == []
    bad = tally(
        delays=[(Kind.MAJOR, 91.0)],
        found=Counter({Kind.MAJOR: 3}),
        false_incidents=2,
        false_by_day=[2, 0],
        false_of_market=2,
        longest_market_ms=61 * 60_000,
    )
    assert len(missed(bounds.limits("row", bad))) == 6


def test_the_table_has_a_row_for_each_condition_and_no_recall_of_nothing() -> None:
    name = ROWS[-1].name
    planted = tally(recall_by_day=[1.0, 0.5])
    empty = tally(planted=Counter(), found=Counter(), false_by_day=[1, 3])
    lines = report(
        {ROWS[0].name: RowTally(planted=planted), name: RowTally(planted=empty)}
    ).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| ordinary (x1) | 2 | 1.00 | 0.50 | 1.00 | 0.0 | 0 |")
    assert lines[3].startswith("| nothing planted | 2 |  |  |  | 2.0 | 3 |")
    assert {limit.name.partition(":")[0] for limit in limits({name: RowTally(empty)})} == {name}


def test_names_of_rows_are_distinct() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_bursts_are_what_was_published_of_a_planted_cascade() -> None:
    day = make_day(1, Conditions(traffic=0.01, planted={Kind.MAJOR: 1, Kind.MARKET: 1}))
    (truth,) = [truth for truth in day.planted if truth.kind is Kind.MAJOR]
    (burst,) = planted_bursts(day)
    assert (burst.base, burst.side) == (truth.base, truth.side)
    assert day_ms(truth.start) <= burst.start_ms < burst.end_ms <= day_ms(truth.end)
    assert 0.6 < sum(burst.cents) / truth.cents < 1.1
