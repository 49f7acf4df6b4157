"""Early signs, levels and forecasts of our detector, on synthetic days and on recordings."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from benchmarks.detection.bursts import Burst, reference_bursts
from benchmarks.detection.claims import ClaimTally
from benchmarks.detection.day import Day, day_ms, make_day
from benchmarks.detection.forecast_tables import reliability_table, what_followed
from benchmarks.detection.levels import LevelTally, alerts_and_levels
from benchmarks.detection.limits import Limit
from benchmarks.detection.merging import merge
from benchmarks.detection.ours import alerts_of
from benchmarks.detection.page import markdown
from benchmarks.detection.recordings import RECORDINGS, VARIANTS, observations_of, variant
from benchmarks.detection.thinning import add_thinned
from benchmarks.detection.watches import Span, WatchTally
from liq.processors.backtesting.dollars import Amount, Dollars
from liq.processors.backtesting.forecasts import (
    Forecast,
    Outcome,
    brier,
    brier_skill,
    forecasts_of,
    frequency,
    outcomes_of,
)
from liq.processors.cascades.observation import Observation
from liq.schemas.units import DAY_MS

SYNTHETIC: Final = "synthetic days"
RECORDED: Final = "recordings"
# The least shares of right warnings: the figures of `adaptive-4` with room for chance.
LEAST_RIGHT: Final = {SYNTHETIC: 0.4, RECORDED: 0.28}
# The most watches a day: those of the detector at e5e5d9a (`adaptive-2`) on the same logs, six
# synthetic days from seed 8,000 (2,511 watches) and the recordings (150 in 2.3 days).
MOST_WATCHES_A_DAY: Final = {SYNTHETIC: 418, RECORDED: 65}


@dataclass(slots=True)
class Signals:
    """Counts over any number of logs."""

    days: float = 0.0
    watches: WatchTally = field(default_factory=WatchTally)
    levels: LevelTally = field(default_factory=LevelTally)
    claims: ClaimTally = field(default_factory=ClaimTally)
    outcomes: list[Outcome] = field(default_factory=list)
    forecasts: list[Forecast] = field(default_factory=list)

    @property
    def watches_a_day(self) -> float:
        """The number of watches a day; NaN without a log."""
        return self.watches.watches / self.days if self.days else float("nan")

    def add(self, other: "Signals") -> None:
        """Add the counts of other logs."""
        self.days += other.days
        merge(self.watches, other.watches)
        merge(self.levels, other.levels)
        merge(self.claims, other.claims)
        self.outcomes += other.outcomes
        self.forecasts += other.forecasts


def signals(*, seeds: Iterable[int], processes: int) -> dict[str, Signals]:
    """Run our detector on synthetic days and on the recordings."""
    found = {SYNTHETIC: Signals(), RECORDED: Signals()}
    with ProcessPoolExecutor(processes) as pool:
        for counted in pool.map(_of_day, seeds):
            found[SYNTHETIC].add(counted)
        for counted in pool.map(_of_recording, RECORDINGS):
            found[RECORDED].add(counted)
    return found


def _of_day(seed: int) -> Signals:
    day = make_day(seed)
    happened = Dollars(
        Amount(event.base, event.side, day_ms(event.second), event.cents) for event in day.happened
    )
    return _signals_of(day.observations, planted_spans(day), happened)


def _of_recording(name: str) -> Signals:
    observations = observations_of(name)
    counted = _signals_of(observations, burst_spans(reference_bursts(observations)))
    for seed in range(VARIANTS):
        moved = variant(observations, seed)
        add_thinned(counted.claims, alerts_of(moved), moved)
    return counted


def burst_spans(bursts: Iterable[Burst]) -> list[Span]:
    """Return reference bursts as spans."""
    return [
        Span(burst.base, burst.side, burst.start_ms, burst.time_of_share(0.5), burst.end_ms)
        for burst in bursts
    ]


def planted_spans(day: Day) -> list[Span]:
    """Return the planted cascades as spans."""
    return [
        Span(
            truth.base,
            truth.side,
            day_ms(truth.start),
            day_ms(truth.half),
            day_ms(truth.end),
        )
        for truth in day.planted
    ]


def _signals_of(
    observations: Sequence[Observation], spans: Sequence[Span], happened: Dollars | None = None
) -> Signals:
    alerts, reached = alerts_and_levels(observations)
    length_ms = observations[-1].received_at_ms - observations[0].received_at_ms
    outcomes = outcomes_of(alerts, observations)
    counted = Signals(
        days=length_ms / DAY_MS,
        outcomes=[outcome for _, outcome in outcomes],
        forecasts=forecasts_of(outcomes),
    )
    counted.watches.add(alerts, spans)
    counted.levels.add(alerts, reached)
    counted.claims.add(alerts, happened)
    return counted


def report(found: dict[str, Signals]) -> str:
    """Return the tables of early signs, of levels and of forecasts."""
    watches = markdown(
        (
            "early signs on",
            "a day",
            "warnings",
            "right",
            "starts preceded",
            "cascades or bursts preceded",
            "median lead s",
        ),
        (_watch_row(name, counted) for name, counted in found.items()),
    )
    levels = markdown(
        (
            "levels on",
            "cascades",
            "final level above any told",
            "escalations",
            "stale",
            "levels told after more than 2 s",
            "levels never told",
        ),
        (_level_row(name, counted.levels) for name, counted in found.items()),
    )
    followed = markdown(
        (
            "after records on",
            "kind",
            "records",
            "as much again, and $250k, in 60 s",
            "mean dollars",
        ),
        (
            (name, *row)
            for name, counted in found.items()
            for row in what_followed(counted.outcomes)
        ),
    )
    return "\n\n".join([watches, levels, _claims(found), followed, *_forecasts(found)])


def _watch_row(name: str, counted: Signals) -> tuple[str, ...]:
    tally = counted.watches
    return (
        name,
        f"{counted.watches_a_day:.0f}",
        str(tally.warnings),
        f"{tally.right_share:.0%}",
        f"{tally.starts_share:.0%} of {tally.starts}",
        f"{tally.spans_share:.0%} of {tally.spans}",
        f"{tally.median_lead_seconds:.1f}",
    )


def _level_row(name: str, tally: LevelTally) -> tuple[str, ...]:
    return (
        name,
        str(tally.cascades),
        str(tally.untold),
        str(tally.escalations),
        str(tally.stale),
        f"{tally.late} of {len(tally.late_ms)}",
        str(tally.untold_steps),
    )


def _claims(found: dict[str, Signals]) -> str:
    recorded, synthetic = found[RECORDED].claims, found[SYNTHETIC].claims
    sentences = [
        (
            f"On recordings the price moves against the flow in {recorded.against} of "
            f"{recorded.priced} cascades."
        ),
        (
            f"On synthetic days {synthetic.median_kept:.0%} of a cascade's true dollars are "
            f"observed (median), and less than {synthetic.least_kept:.0%} in one of ten."
        ),
    ]
    for where, claims in (
        ("On synthetic days", synthetic),
        (
            f"On {VARIANTS} variants of the recording, of which a complete feed is thinned,",
            recorded,
        ),
    ):
        if claims.estimated:
            sentences.append(
                f"{where} the estimate is {claims.median_estimated:.2f} times the true dollars "
                f"(median); they lie in its range in {claims.inside_share:.0%} of "
                f"{len(claims.estimated)} cascades."
            )
    return " ".join(sentences)


def _forecasts(found: dict[str, Signals]) -> Iterable[str]:
    if not any(counted.forecasts for counted in found.values()):
        yield "No record of this detector has a forecast."
        return
    yield markdown(
        ("forecasts on", "records", "happened", "Brier score", "better than the frequency by"),
        (
            (
                name,
                str(len(counted.forecasts)),
                f"{frequency(counted.forecasts):.3f}",
                f"{brier(counted.forecasts):.4f}",
                f"{brier_skill(counted.forecasts):.0%}",
            )
            for name, counted in found.items()
        ),
    )
    for name, counted in found.items():
        yield f"Reliability on {name}:"
        yield reliability_table(counted.forecasts)


def limits(found: dict[str, Signals]) -> list[Limit]:
    """Return the limits on our detector in the short form.

    Recordings have too few records for a limit on forecasts.
    """
    forecasts = found[SYNTHETIC].forecasts
    skill = Limit("forecasts: better than the frequency by", brier_skill(forecasts), least=0.05)
    made = [skill] if forecasts else []
    for name, counted in found.items():
        levels, watches, claims = counted.levels, counted.watches, counted.claims
        made += [
            Limit(f"{name}: final levels above any told", levels.untold, most=0),
            Limit(f"{name}: stale escalations", levels.stale, most=0),
            Limit(f"{name}: levels told late", levels.late, most=0),
            Limit(f"{name}: levels never told", levels.untold_steps, most=0),
            Limit(f"{name}: watches a day", counted.watches_a_day, most=MOST_WATCHES_A_DAY[name]),
            Limit(f"{name}: warnings that are right", watches.right_share, least=LEAST_RIGHT[name]),
            Limit(f"{name}: starts preceded", watches.starts_share, least=0.85),
            Limit(f"{name}: cascades preceded", watches.spans_share, least=0.8),
            Limit(f"{name}: median lead, in s,", watches.median_lead_seconds, least=3),
            Limit(f"{name}: estimates that hold", claims.inside_share, least=0.9),
        ]
    return made
