"""`liq tune`: what a change of a threshold would do to a recorded log."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from liq.cli.console import exits_on_configuration_error, out
from liq.processors.cascades import CascadeEngine, DetectorConfig, decode_observation
from liq.processors.cascades.observation import Observation
from liq.processors.stages.owned import detector_config
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import load_settings
from liq.schemas.codec import DecodeError
from liq.schemas.folding import fold
from liq.schemas.records import CascadeAlert
from liq.schemas.units import DAY_MS
from liq.schemas.vocabulary import AlertType, Scope

# A few minutes of recording say little about a day.
LEAST_DAYS = 1 / 24


class Threshold(StrEnum):
    """The thresholds that can be tried, by their names in `DetectorConfig`."""

    MIN_VALUE_USD = "min_value_usd"
    MIN_EVENTS = "min_events"
    START_NATS = "start_nats"
    SCORE_GATE = "score_gate"


@exits_on_configuration_error
def tune(
    threshold: Annotated[Threshold, typer.Argument(help="The threshold to vary.")],
    values: Annotated[list[str], typer.Argument(help="The values to try.")],
) -> None:
    """Read events on stdin in log order; show what each value of a threshold would do to them.

    Alerts a day, cascades of assets and of the market, and the share of all liquidated dollars
    that lies inside cascades. The other thresholds are those of the environment.
    """
    base = detector_config(load_settings())
    observations = _read(sys.stdin.buffer)
    if not observations:
        raise typer.BadParameter("no events on standard input")
    span_ms = observations[-1].received_at_ms - observations[0].received_at_ms
    days = max(LEAST_DAYS, span_ms / DAY_MS)
    table = Table(title=f"{len(observations):,} events in {days:.2f} days")
    for heading in (threshold, "messages a day", "asset cascades", "market", "dollars inside"):
        table.add_column(heading, justify="right")
    for value in values:
        alerts = _alerts(_changed(base, threshold, value), observations)
        table.add_row(value, *_figures(alerts, observations, days))
    out.print(table)


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
        match threshold:
            case Threshold.MIN_VALUE_USD:
                return replace(base, min_value_usd=Decimal(value))
            case Threshold.MIN_EVENTS:
                return replace(base, min_events=int(value))
            case Threshold.START_NATS:
                return replace(base, start_nats=float(value))
            case Threshold.SCORE_GATE:
                return replace(base, score_gate=float(value))
    except (ValueError, ArithmeticError) as error:
        raise ConfigurationError(f"{threshold}={value}: {error}") from error


def _alerts(config: DetectorConfig, observations: Sequence[Observation]) -> list[CascadeAlert]:
    engine = CascadeEngine(config)
    alerts = [
        alert for place, event in enumerate(observations) for alert in engine.observe(event, place)
    ]
    return alerts + engine.finish()


def _figures(
    alerts: Sequence[CascadeAlert], observations: Sequence[Observation], days: float
) -> tuple[str, ...]:
    ends = [alert for alert in alerts if alert.type is AlertType.ENDED]
    told = len(fold((alert.timestamp_ms, alert) for alert in alerts))
    of_assets = [end for end in ends if end.scope is Scope.ASSET]
    inside = sum(event.cents for event in observations if any(_holds(end, event) for end in ends))
    share = inside / max(1, sum(event.cents for event in observations))
    return (
        f"{told / days:.1f}",
        str(len(of_assets)),
        str(len(ends) - len(of_assets)),
        f"{share:.0%}",
    )


def _holds(end: CascadeAlert, event: Observation) -> bool:
    return (
        end.side is event.side
        and end.asset in ("", event.base)
        and end.started_at_ms <= event.timestamp_ms < (end.ended_at_ms or 0)
    )
