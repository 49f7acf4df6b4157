"""Figures of the workers' benchmark."""

import pytest

from benchmarks.workers.figures import Delays, Quartiles, delays, quartiles, ratios


def test_quartiles_lie_between_rounds() -> None:
    assert quartiles([5, 1, 3, 2, 4]) == Quartiles(2, 3, 4)


def test_one_round_is_all_its_quartiles() -> None:
    assert quartiles([7.5]) == Quartiles(7.5, 7.5, 7.5)


def test_no_round_has_no_quartiles() -> None:
    with pytest.raises(ValueError, match="no round"):
        quartiles([])


def test_a_ratio_is_taken_within_its_round() -> None:
    assert ratios([1, 20, 9], [2, 10, 9]) == Quartiles(0.75, 1, 1.5)


def test_rounds_of_both_are_as_many() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratios([1], [2, 3])


def test_delays_are_ranks() -> None:
    assert delays(range(200, 0, -1)) == Delays(200, 101, 199, 200)
    assert delays([]) == Delays(0, 0, 0, 0)
