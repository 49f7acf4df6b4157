"""The output of a back-test: a file of JSON Lines, or rows in ClickHouse."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from liq.cli.backtesting.run import Backtest, ConfigurationRun
from liq.processors.backtesting import CascadeLife
from liq.processors.cascades import DetectorConfig
from liq.processors.cascades.alerts import usd
from liq.runtime.errors import ConfigurationError
from liq.schemas.codec import decimal_text, encode
from liq.schemas.units import SECOND_MS

_COPIED: Final = (
    "messages",
    "messages_a_day",
    "asset_cascades",
    "market_cascades",
    "inside_share",
    "to_come_median",
    "to_come_mean",
    "forecasts",
    "happened",
    "brier",
    "brier_skill",
)


def write_records(found: Backtest, path: Path) -> None:
    """Write a line for each record, with its run and configuration.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("wb") as out:
            for run in found.runs:
                name = orjson.dumps(run.configuration.name)
                before = b'{"run":"%b","configuration":%b,"alert":' % (found.run_id.encode(), name)
                with run.records.open("rb") as records:
                    out.writelines(before + line.rstrip(b"\n") + b"}\n" for line in records)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error}.") from error


def run_rows(found: Backtest) -> list[dict[str, Any]]:
    """Return the rows of `backtest_runs`."""
    return [
        {
            "run_id": found.run_id,
            "configuration": run.configuration.name,
            "source": found.source,
            "since": utc(found.span.first_ms),
            "until": utc(found.span.last_ms),
            "events": found.span.events,
            "value_usd": decimal_text(usd(found.span.dollars.total_cents())),
            "detector": run.configuration.config.identity,
            "settings": settings_json(run.configuration.config),
            **{name: getattr(run.figures, name) for name in _COPIED},
        }
        for run in found.runs
    ]


def cascade_rows(found: Backtest) -> Iterator[dict[str, Any]]:
    """Return the rows of `backtest_cascades`."""
    for run in found.runs:
        for life in run.figures.cascades:
            yield _cascade_row(found.run_id, run, life)


def _cascade_row(run_id: str, run: ConfigurationRun, life: CascadeLife) -> dict[str, Any]:
    end = life.end
    return {
        "run_id": run_id,
        "configuration": run.configuration.name,
        "cascade_id": end.cascade_id,
        "scope": end.scope.value,
        "asset": end.asset,
        "side": end.side.value,
        "started_at": utc(end.started_at_ms),
        "ended_at": None if end.ended_at_ms is None else utc(end.ended_at_ms),
        "told_at": None if life.told_ms is None else utc(life.told_ms),
        "event_count": end.event_count,
        "total_value_usd": decimal_text(end.total_value_usd),
        "level": end.level.value,
        "risk_score": end.risk_score,
        "to_come": life.to_come,
        "explanation": end.explanation,
        "record": encode(end).decode(),
    }


def settings_json(config: DetectorConfig) -> str:
    """Return a configuration's values as JSON, with decimals as text."""
    values: dict[str, Any] = {name: getattr(config, name) for name in config.__dataclass_fields__}
    return orjson.dumps(values, default=_text, option=orjson.OPT_SORT_KEYS).decode()


def utc(timestamp_ms: int) -> str:
    """Return a time in UTC as text that ClickHouse parses."""
    seconds, rest_ms = divmod(timestamp_ms, SECOND_MS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest_ms:03}"


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    raise TypeError(f"{type(value).__name__} is no value of a configuration")
