"""What the scorer makes of hand-made incidents and cascades."""

import pytest

from benchmarks.detection.day import Day, Natural, day_ms
from benchmarks.detection.incidents import Incident
from benchmarks.detection.merging import merge
from benchmarks.detection.planted import Kind, Planted
from benchmarks.detection.scorer import Tally
from liq.processors.backtesting.dollars import MARKET
from liq.schemas.vocabulary import Side


def planted(kind: Kind = Kind.MAJOR, *, base: str = "BTC", dollars: int = 2_000_000) -> Planted:
    return Planted(
        kind=kind,
        base="" if kind is Kind.MARKET else base,
        side=Side.LONG,
        start=1_000,
        end=1_060,
        family=1,
        cents=dollars * 100,
        half=1_030,
    )


def incident(
    *told: float, base: str = "BTC", side: Side = Side.LONG, by_parent: tuple[float, ...] = ()
) -> Incident:
    return Incident(
        base,
        side,
        told_ms=[day_ms(second) for second in told],
        end_ms=day_ms(1_200),
        notifications=len(told),
        onset_ms=day_ms(900),
        told_by_parent_ms=[day_ms(second) for second in by_parent],
    )


def judged(
    *incidents: Incident,
    truths: tuple[Planted, ...] = (planted(),),
    natural: tuple[Natural, ...] = (),
) -> Tally:
    tally = Tally()
    tally.add(Day(1, [], list(truths), list(natural)), incidents)
    return tally


def test_a_message_inside_finds_a_cascade() -> None:
    tally = judged(incident(1_004, 1_050))
    assert (tally.recall, tally.precision, tally.untold_majors) == (1.0, 1.0, 0)
    assert tally.delay() == 4.0


@pytest.mark.parametrize(
    "wrong",
    [
        incident(998),
        incident(1_121),
        incident(1_010, base="ETH"),
        incident(1_010, side=Side.SHORT),
        incident(1_010, base=MARKET),
    ],
    ids=["before", "too late", "another asset", "another side", "market"],
)
def test_another_message_is_false_and_leaves_a_major_untold(wrong: Incident) -> None:
    tally = judged(wrong)
    assert (tally.recall, tally.false_by_day, tally.untold_majors) == (0.0, [1], 1)


def test_a_small_cascade_is_no_major() -> None:
    assert judged(truths=(planted(dollars=999_999),)).untold_majors == 0
    assert judged(truths=(planted(dollars=1_000_000),)).untold_majors == 1


def test_a_market_s_message_that_stands_for_it_tells_a_cascade() -> None:
    tally = judged(incident(by_parent=(1_006,)))
    assert (tally.recall, tally.untold_majors, tally.delay()) == (1.0, 0, 6.0)
    # The message is the market's: it makes no right incident of the asset's.
    assert (tally.true_incidents, tally.false_incidents, tally.notifications) == (0, 0, 0)
    late = judged(incident(by_parent=(9_000,)))
    assert (late.recall, late.untold_majors) == (0.0, 1)


def test_a_market_crash_needs_a_message_of_the_market() -> None:
    crash = (planted(Kind.MARKET),)
    of_assets = judged(incident(1_010), incident(1_020, base="ETH"), truths=crash)
    assert (of_assets.recall, of_assets.untold_majors) == (1.0, 1)
    assert judged(incident(1_030, base=MARKET), truths=crash).untold_majors == 0


def test_what_nobody_planted_but_is_there_counts_neither_way() -> None:
    family = Natural("ETH", Side.SHORT, day_ms(2_000), day_ms(2_010))
    told = incident(2_005, base="ETH", side=Side.SHORT)
    assert judged(told, natural=(family,)).false_by_day == [0]
    assert judged(incident(2_005, base="ETH"), natural=(family,)).false_by_day == [1]


def test_the_longest_market_cascade_counts_told_or_not() -> None:
    tally = judged(incident(base=MARKET), incident(1_010, base=MARKET))
    assert tally.longest_market_minutes == 5.0
    assert tally.market_incidents == 1


def test_the_worst_day_is_kept_when_days_are_added_up() -> None:
    good, bad = judged(incident(1_004)), judged(incident(5_000, base=MARKET), incident(6_000))
    bad.longest_market_ms = 60_000_000
    merge(good, bad)
    assert (good.days, good.recall, good.worst_recall) == (2, 0.5, 0.0)
    assert (good.false_by_day, good.most_false, good.false_a_day) == ([0, 2], 2, 1.0)
    assert good.longest_market_minutes == 1_000
    assert good.untold_majors == 1
    assert good.planted[Kind.MAJOR] == 2
