"""The heat map keeps every dollar, however few rows and columns it has."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.cli.report.heat_map import Cell, heat_map

START = datetime(2026, 7, 10, tzinfo=UTC)
STARTS = [START + timedelta(minutes=30 * number) for number in range(96)]


def cell(level: int | str, step: int, usd: int) -> Cell:
    return Decimal(level), STARTS[step], Decimal(usd)


def test_levels_that_fit_have_rows_of_their_own_and_empty_ones_between() -> None:
    picture = heat_map(
        [cell(64_000, 0, 10), cell(64_100, 0, 5), cell(64_300, 1, 7)], STARTS, rows=10, columns=96
    )
    assert picture.levels == (64_300, 64_200, 64_100, 64_000)
    assert picture.usd == {(3, 0): 10, (2, 0): 5, (0, 1): 7}


def test_a_small_range_has_no_rows_between_the_levels() -> None:
    levels = [cell(64_000 + 100 * number, 0, 1) for number in range(3)]
    assert heat_map(levels, STARTS, rows=24, columns=96).step == 100


def test_heat_is_a_matter_of_powers_of_ten() -> None:
    cells = [cell(100, 0, 1_000_000), cell(100, 1, 1_000), cell(100, 2, 1), cell(100, 3, 0)]
    picture = heat_map(cells, STARTS, rows=10, columns=96)
    heats = [picture.heat(0, column) for column in range(5)]
    assert heats == [1.0, pytest.approx(0.05), 0.05, 0.0, 0.0]


def test_nothing_gives_an_empty_map() -> None:
    picture = heat_map([], STARTS, rows=10, columns=10)
    assert picture.levels == ()
    assert picture.largest_usd == 0


@given(
    st.lists(
        st.builds(
            cell,
            st.decimals("0.0001", "99999", places=4).map(str),
            st.integers(0, len(STARTS) - 1),
            st.integers(1, 10**9),
        ),
        min_size=1,
        max_size=50,
    ),
    st.integers(3, 40),
    st.integers(1, 100),
)
def test_no_dollar_is_lost_and_the_map_is_small_enough(
    cells: list[Cell], rows: int, columns: int
) -> None:
    picture = heat_map(cells, STARTS, rows=rows, columns=columns)
    assert sum(picture.usd.values()) == sum(usd for _, _, usd in cells)
    assert len(picture.levels) <= rows
    assert len(picture.starts) <= columns
    assert all(row < len(picture.levels) for row, _ in picture.usd)
    assert all(column < len(picture.starts) for _, column in picture.usd)
    found: dict[tuple[int, int] | None, Decimal] = defaultdict(Decimal)
    for level, start, usd in cells:
        found[picture.place(level, start)] += usd
    assert found == picture.usd


def test_what_is_outside_a_map_has_no_place() -> None:
    picture = heat_map([cell(64_000, 2, 10)], STARTS, rows=10, columns=96)
    assert picture.place(Decimal(64_000), STARTS[2]) == (0, 2)
    assert picture.place(Decimal(1), STARTS[2]) is None
    assert picture.place(Decimal(64_000), START - timedelta(days=1)) is None
    assert heat_map([], STARTS, rows=1, columns=1).place(Decimal(1), START) is None
