"""The gauge finds the branching ratio of simulated Hawkes processes."""

import random
from math import exp
from statistics import mean

import pytest

from liq.processors.cascades.excitation import LEAST_EVENTS, Excitation

IMMIGRANTS_AN_HOUR = 60.0
EVENTS = 3_000


def hawkes(branching: float, seed: int) -> list[float]:
    """Times of a process whose offspring come after 0.5 s (60 %) or 8 s (40 %) on average."""
    chance = random.Random(seed)  # noqa: S311 - no secrets
    times: list[float] = []
    second = 1_000.0
    while len(times) < EVENTS:
        second += chance.expovariate(IMMIGRANTS_AN_HOUR * (1 - branching) / 3_600)
        family = [second]
        while family:
            moment = family.pop()
            times.append(moment)
            limit, product = exp(-branching), chance.random()
            while product > limit:
                product *= chance.random()
                scale = 0.5 if chance.random() < 0.6 else 8.0
                family.append(moment + chance.expovariate(1 / scale))
    return sorted(times)


def gauge(times: list[float]) -> Excitation:
    excitation = Excitation()
    for moment in times:
        excitation.add(moment)
    return excitation


@pytest.mark.parametrize("branching", [0.3, 0.5, 0.7, 0.85])
def test_the_branching_ratio_is_recovered(branching: float) -> None:
    ratios = [gauge(hawkes(branching, seed)).ratio or 0.0 for seed in range(6)]
    assert mean(ratios) == pytest.approx(branching, abs=0.08)


def test_one_a_second_pulls_the_ratio_down() -> None:
    times = hawkes(0.7, 1)
    sampled = sorted({int(moment): moment for moment in times}.values())
    whole, part = gauge(times).ratio, gauge(sampled).ratio
    assert whole is not None
    assert part is not None
    assert part < whole - 0.05


def test_nothing_is_said_of_a_handful() -> None:
    excitation = gauge([1_000.0 + number for number in range(LEAST_EVENTS - 1)])
    assert excitation.ratio is None
    excitation.add(5_000.0)
    assert excitation.ratio is not None


def test_the_first_of_a_burst_is_spontaneous_and_the_others_are_not() -> None:
    excitation = gauge([1_000.0 + 600 * number for number in range(200)])
    shares = [excitation.add(200_000.0 + number / 10) for number in range(30)]
    assert shares[0] > 0.9
    assert max(shares[10:]) < 0.1
