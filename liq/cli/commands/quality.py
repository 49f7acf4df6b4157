"""`liq quality`: how much of a venue's liquidations its public feeds show, from recorded frames."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from liq.cli.console import exits_on_configuration_error, out
from liq.cli.quality import (
    Comparison,
    Quality,
    RawFrame,
    TooManyError,
    frames_of_files,
    frames_of_topic,
)
from liq.processors.stages.normalize import normalizer_config
from liq.runtime.errors import ConfigurationError
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings
from liq.schemas.units import HOUR_MS, SECOND_MS

GRID: Final = (0, 1, 2, 5, 10, 20, 50)
HEAD: Final = "sensors   events        $   amplified events        $"
NO_TRUTH: Final = (
    "There are not both complete and public fills of Hyperliquid in these frames. Run `liq produce "
    "hyperliquid --node DIR`, or with the key of a provider, and compare again."
)


@exits_on_configuration_error
def quality(
    exchange: Annotated[str, typer.Argument(help="The venue: hyperliquid.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Captures, plain or gzip, instead of the raw topic in Kafka."),
    ] = None,
    hours: Annotated[
        int, typer.Option(min=1, max=336, help="The last hours of the raw topic.")
    ] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Compare Hyperliquid's public feeds with the fills of a node or a provider.

    Prints the share of the liquidations, in events and dollars, that the followed accounts' fills
    show, by number of sensors, without and with the joined trades, and the delays. Both need to be
    in the raw topic: `liq produce hyperliquid --node DIR`.
    """
    settings = load_settings()
    configure_logging(settings, worker="quality")
    if exchange.lower() != "hyperliquid":
        raise ConfigurationError(
            f"{exchange} has no feed that is complete beside a sample; name hyperliquid."
        )
    comparison = Comparison(normalizer_config(settings))
    try:
        if files:
            _add(comparison, frames_of_files(files, "hyperliquid"))
        else:
            asyncio.run(_add_topic(settings, comparison, hours))
    except TooManyError as error:
        raise ConfigurationError(
            f"There are over {comparison.max_events:,} liquidations; set --hours to fewer."
        ) from error
    found = comparison.quality(GRID)
    if found is None:
        raise ConfigurationError(NO_TRUTH)
    if as_json:
        typer.echo(orjson.dumps(asdict(found), default=str, option=orjson.OPT_INDENT_2))
        return
    for line in in_words(found):
        out.print(line, highlight=False)


def in_words(found: Quality) -> Iterable[str]:
    """Yield the lines of the report."""
    yield (
        f"{_time(found.from_ms)} to {_time(found.to_ms)} UTC: {found.events:,} liquidation fills, "
        f"{found.usd:,.0f} dollars"
    )
    yield HEAD
    for row in found.rows:
        yield (
            f"{row.sensors:7}  {row.events:7.1%}  {row.usd:7.1%}   {row.amplified_events:16.1%}"
            f"  {row.amplified_usd:7.1%}"
        )
    public, complete = found.public_delay, found.complete_delay
    yield (
        f"delay from the block, p50 / p99: public {public.p50_ms} / {public.p99_ms} ms, "
        f"complete {complete.p50_ms} / {complete.p99_ms} ms; {found.late:,} came ten seconds late "
        "or more"
    )
    yield (
        f"{found.unknown:,} public events are not in the complete feed, {found.different:,} differ "
        "from it"
    )


def _add(comparison: Comparison, frames: Iterable[RawFrame]) -> None:
    for frame in frames:
        comparison.add(*frame)


async def _add_topic(settings: Settings, comparison: Comparison, hours: int) -> None:
    from_ms = int(time.time()) * SECOND_MS - hours * HOUR_MS
    async for frame in frames_of_topic(settings, "hyperliquid", from_ms):
        comparison.add(*frame)


def _time(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / SECOND_MS, tz=UTC):%Y-%m-%d %H:%M:%S}"
