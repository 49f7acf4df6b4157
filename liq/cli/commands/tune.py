"""`liq tune`: the effect of a threshold on the alerts of a recorded log."""

import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import typer

from liq.cli.backtesting.comparison import comparison
from liq.cli.console import exits_on_configuration_error, out
from liq.processors.backtesting import Dollars, Figures, Tally, changed, published_amounts
from liq.processors.cascades import CascadeEngine, DetectorConfig, decode_observation
from liq.processors.cascades.observation import Observation
from liq.processors.stages.owned import detector_config
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import load_settings
from liq.schemas.codec import DecodeError
from liq.schemas.units import DAY_MS

# Rates per day count a shorter recording as an hour.
LEAST_DAYS = 1 / 24


class Threshold(StrEnum):
    """The thresholds to vary, by their names in `DetectorConfig`."""

    MIN_VALUE_USD = "min_value_usd"
    MIN_EVENTS = "min_events"
    START_NATS = "start_nats"
    SCORE_GATE = "score_gate"


@exits_on_configuration_error
def tune(
    threshold: Annotated[Threshold, typer.Argument(help="The threshold to vary.")],
    values: Annotated[list[str], typer.Argument(help="The values to try.")],
) -> None:
    """Read events on stdin in log order; show the effect of each value of a threshold.

    The other thresholds are those of the environment. `liq backtest` does the same for years of
    events and for combinations of values, and stores its results.
    """
    base = detector_config(load_settings())
    observations = _read(sys.stdin.buffer)
    if not observations:
        raise typer.BadParameter("no events on standard input")
    span_ms = observations[-1].received_at_ms - observations[0].received_at_ms
    days = max(LEAST_DAYS, span_ms / DAY_MS)
    dollars = Dollars(published_amounts(observations))
    found = [
        (value, _figures(_changed(base, threshold, value), observations, dollars, days))
        for value in values
    ]
    out.print(comparison(f"{len(observations):,} events in {days:.2f} days", threshold, found))


def _read(stream: Iterable[bytes]) -> list[Observation]:
    observations = []
    for line in stream:
        if line.startswith(b'{"clock_ms"') or not line.strip():
            continue
        try:
            view = decode_observation(line)
        except DecodeError:
            continue
        if isinstance(view, Observation):
            observations.append(view)
    return observations


def _changed(base: DetectorConfig, threshold: Threshold, value: str) -> DetectorConfig:
    try:
        return changed(base, {threshold: value})
    except ValueError as error:
        raise ConfigurationError(f"{threshold}={value}: {error}") from error


def _figures(
    config: DetectorConfig, observations: Sequence[Observation], dollars: Dollars, days: float
) -> Figures:
    engine = CascadeEngine(config)
    tally = Tally(dollars)
    for place, event in enumerate(observations):
        for alert in engine.observe(event, place):
            tally.add(alert)
    for alert in engine.finish():
        tally.add(alert)
    return tally.figures(days)
