"""Limits and tables of early signs, levels and forecasts, on hand-made counts."""

from benchmarks.detection.claims import ClaimTally
from benchmarks.detection.levels import LevelTally
from benchmarks.detection.limits import missed
from benchmarks.detection.signals import RECORDED, SYNTHETIC, Signals, limits, report
from benchmarks.detection.watches import WatchTally
from liq.processors.backtesting.forecasts import Forecast, Outcome
from liq.schemas.vocabulary import AlertType


def counted() -> Signals:
    return Signals(
        days=2.0,
        watches=WatchTally(
            watches=40,
            warnings=20,
            right=10,
            starts=10,
            starts_preceded=9,
            spans=10,
            spans_preceded=9,
            leads_ms=[4_000, 6_000, 8_000],
        ),
        levels=LevelTally(cascades=10, escalations=5, late_ms=[0, 1_000, 2_000]),
        claims=ClaimTally(priced=10, against=2, kept=[0.5, 0.9, 1.0], estimated=[1.1], inside=1),
        outcomes=[Outcome(AlertType.WATCH, has_happened=True, more_cents=100)],
    )


def said(probability: float, *, happened: bool) -> Forecast:
    return Forecast(probability, 100.0, Outcome(AlertType.WATCH, happened, 100))


def test_good_counts_miss_no_limit_and_each_bad_one_does() -> None:
    found = {SYNTHETIC: counted(), RECORDED: counted()}
    assert missed(limits(found)) == []
    found[RECORDED].levels = LevelTally(untold=1, stale=1, late_ms=[2_001], untold_steps=1)
    found[SYNTHETIC].watches = WatchTally(
        watches=837, warnings=10, right=3, starts=2, starts_preceded=1, spans=2, leads_ms=[1_000]
    )
    found[SYNTHETIC].forecasts = [said(0.9, happened=False), said(0.1, happened=True)]
    found[SYNTHETIC].claims.inside = 0
    assert len(missed(limits(found))) == 11


def test_counts_of_days_are_added_up() -> None:
    both = counted()
    both.add(counted())
    assert (both.days, both.watches.warnings, both.levels.cascades) == (4.0, 40, 20)
    assert len(both.outcomes) == 2
    assert both.claims.kept == [0.5, 0.9, 1.0, 0.5, 0.9, 1.0]


def test_the_report_says_whether_there_are_forecasts() -> None:
    found = {SYNTHETIC: counted(), RECORDED: counted()}
    text = report(found)
    assert "| synthetic days | 20 | 20 | 50% | 90% of 10 | 90% of 10 | 6.0 |" in text
    assert "| recordings | 10 | 0 | 5 | 0 | 0 of 3 | 0 |" in text
    assert "against the flow in 2 of 10 cascades" in text
    assert text.count("in its range in 100% of 1 cascades") == 2
    assert "No record of this detector has a forecast." in text
    found[SYNTHETIC].forecasts = [said(0.75, happened=True)]
    text = report(found)
    assert "| synthetic days | 1 | 1.000 | 0.0625 | nan% |" in text
    assert "| 0.70 to 0.80 | 1 | 0.75 | 1.00 | 1 | 1 |" in text
