"""`liq doctor`: connect to every venue for a minute; check Kafka, ClickHouse and the clock."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from liq.cli.console import err, exits_on_configuration_error, out
from liq.cli.doctor import (
    PARTS,
    VENUES,
    CaptureWriter,
    Pseudonyms,
    Report,
    document,
    examine,
    exit_code,
    print_report,
)
from liq.cli.exchanges import configured_exchanges, pushed_exchanges
from liq.cli.running import run_until_signal
from liq.processors.normalizers.venues.hyperliquid import LIQUIDATOR_VAULTS
from liq.producers.feeds.settings import Target, choose_targets
from liq.runtime.environment import environment
from liq.runtime.errors import ConfigurationError
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings

DEFAULT_SECONDS: Final = 60
MAX_SECONDS: Final = 86_400


@exits_on_configuration_error
def doctor(
    exchanges: Annotated[
        list[str] | None,
        typer.Argument(help="Exchanges to connect to; EXCHANGES, or every known one, if absent."),
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=1, max=MAX_SECONDS, help="How long to listen to the venues.")
    ] = DEFAULT_SECONDS,
    capture: Annotated[
        Path | None,
        typer.Option(
            help="Keep every frame in this new file (gzipped if it ends in .gz), account "
            "addresses replaced; `liq normalize` and `liq replay` take it."
        ),
    ] = None,
    skip: Annotated[
        str, typer.Option(help=f"Parts to leave out, comma separated: {', '.join(PARTS)}.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Check venues, Kafka, ClickHouse and the clock; report each fault and its remedy.

    Exits with 0 without failures, 2 if a part is faulty, 69 if a part cannot be reached.
    """
    settings = load_settings()
    quiet = {} if "log_level" in settings.model_fields_set else {"log_level": "ERROR"}
    configure_logging(load_settings(**quiet), worker="doctor")
    skipped = _skipped(skip)
    targets = () if VENUES in skipped else _targets(settings, exchanges or [])
    with ExitStack() as stack:
        writer = None
        if capture is not None:
            writer = CaptureWriter(capture, Pseudonyms(kept=LIQUIDATOR_VAULTS))
            stack.callback(writer.close)
        if err.is_terminal:
            stack.enter_context(err.status(f"Listening to {len(targets)} feeds for {seconds} s"))
        report = _examine(settings, targets, skipped, seconds, writer)
    if as_json:
        typer.echo(orjson.dumps(document(report, writer), option=orjson.OPT_INDENT_2))
    else:
        print_report(out, report, writer)
    raise typer.Exit(exit_code(report.level))


def _examine(
    settings: Settings,
    targets: tuple[Target, ...],
    skipped: frozenset[str],
    seconds: int,
    capture: CaptureWriter | None,
) -> Report:
    reports: list[Report] = []

    async def work(stop: asyncio.Event) -> None:
        reports.append(
            await examine(
                settings,
                targets,
                exchanges=configured_exchanges(settings),
                skipped=skipped,
                seconds=seconds,
                stop=stop,
                capture=capture,
            )
        )

    run_until_signal(work)
    [report] = reports
    return report


def _skipped(text: str) -> frozenset[str]:
    """Return the parts to skip.

    Raises:
        ConfigurationError: a name is not a part.
    """
    skipped = frozenset(word.strip().lower() for word in text.split(",") if word.strip())
    if unknown := sorted(skipped - set(PARTS)):
        raise ConfigurationError(
            f"--skip {', '.join(unknown)}: there is no such part; there are {', '.join(PARTS)}."
        )
    return skipped


def _targets(settings: Settings, exchanges: list[str]) -> tuple[Target, ...]:
    named = tuple(dict.fromkeys(name.lower() for name in exchanges))
    return choose_targets(named or pushed_exchanges(settings), environment())
