"""The table of the fault runs: rows of cases that were not run stay, if that is asked for."""

from dataclasses import replace

from tests.faults.record import CaseRecord
from tests.faults.table import BEGIN, END, rows_of, table, with_rows, with_table

RECORD = CaseRecord(
    case="one",
    loops=1,
    frames=2,
    events=2,
    alerts=1,
    lost=0,
    repeated=0,
    redelivered=0,
    unsent=0,
    recovery_seconds=1.5,
    broker="Apache Kafka",
    date="2026-11-29",
)
OTHER = replace(RECORD, case="two", recovery_seconds=None)
PAGE = with_table(f"before\n{BEGIN}\n{END}\nafter\n", table([RECORD, OTHER]))


def test_rows_of_cases_that_were_not_run_stay_where_they_are() -> None:
    renewed = replace(RECORD, frames=9)
    added = replace(RECORD, case="three")
    page = with_table(PAGE, with_rows(PAGE, [renewed, added]))
    assert page == with_table(PAGE, table([renewed, OTHER, added]))
    assert list(rows_of(page)) == ["one", "two", "three"]


def test_without_that_the_table_has_what_was_run() -> None:
    assert list(rows_of(with_table(PAGE, table([OTHER])))) == ["two"]
