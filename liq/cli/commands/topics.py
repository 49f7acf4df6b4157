"""`liq topics`: comparison of topics with their specification, more partitions, ends of logs."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from liq.cli.console import exits_on_configuration_error, out

if TYPE_CHECKING:
    from liq.runtime.settings import Settings
    from liq.runtime.topic_state import TopicState

# Shown below the differences that `--apply` cannot repair.
FIXED: Final = (
    "--apply alters neither partitions (the key of a record decides its partition; `liq topics "
    "grow` adds to those of events) nor replicas (kafka-reassign-partitions does)."
)
APPLICABLE: Final = "`liq topics --apply` alters the other settings."


app = typer.Typer()


@app.callback(invoke_without_command=True)
@exits_on_configuration_error
def topics(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare; create and alter nothing.")
    ] = False,
    apply: Annotated[
        bool,
        typer.Option("--apply", help="Also alter the settings of existing topics that differ."),
    ] = False,
) -> None:
    """Create missing topics, and show how existing topics differ from their specification."""
    if context.invoked_subcommand is not None:
        return
    if check and apply:
        raise typer.BadParameter("--check alters nothing; leave out one of --check and --apply")
    from liq.cli.exchanges import configured_exchanges
    from liq.runtime.logs import configure_logging
    from liq.runtime.settings import load_settings
    from liq.runtime.topics import describe_topics, ensure_topics

    settings = load_settings()
    configure_logging(settings, worker="topics")
    exchanges = configured_exchanges(settings)
    if apply:
        _apply(settings, exchanges)
    if not check:
        asyncio.run(ensure_topics(settings, exchanges))
    _show(asyncio.run(describe_topics(settings, exchanges)))


@app.command()
@exits_on_configuration_error
def grow(
    to: Annotated[int, typer.Option(min=2, max=1000, help="The number of partitions to have.")],
) -> None:
    """Spread the events of running workers over more partitions; alerts pause for some seconds.

    Normalizers pause, detectors move the state of assets to their new partitions, then both
    continue. No event is lost and no alert changes. If killed or refused, run the command again.
    """
    from liq.cli.exchanges import configured_exchanges
    from liq.cli.growing import grow as grow_events
    from liq.runtime.logs import configure_logging
    from liq.runtime.settings import load_settings

    settings = load_settings()
    configure_logging(settings, worker="topics")
    asyncio.run(grow_events(settings, configured_exchanges(settings), to, out.print))


@app.command()
@exits_on_configuration_error
def ends(
    expect: Annotated[
        Path | None,
        typer.Option(
            help="A file of this command's output for another cluster: check that this cluster "
            "has those records.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    wait: Annotated[
        int, typer.Option(min=0, help="Wait up to so many seconds for records that are missing.")
    ] = 0,
) -> None:
    """Print a digest of the last record of every partition, to check that a mirror has them all.

    The state of detectors is left out, because it belongs to the offsets of one cluster.
    """
    from liq.runtime.log_ends import expect_log_ends, from_lines, read_log_ends, to_lines
    from liq.runtime.logs import configure_logging
    from liq.runtime.settings import load_settings

    settings = load_settings()
    configure_logging(settings, worker="topics")
    if expect is None:
        topics = settings.topics
        excluded = {topics.detector_state, topics.market_state, topics.probe}
        sys.stdout.buffer.write(to_lines(asyncio.run(read_log_ends(settings, excluded))))
        return
    wanted = from_lines(expect.read_bytes())
    asyncio.run(expect_log_ends(settings, wanted, wait))
    out.print(f"The last records of all {len(wanted)} partitions are in this cluster.")


def _apply(settings: "Settings", exchanges: tuple[str, ...]) -> None:
    from liq.runtime.topics import alter_topics

    for change in asyncio.run(alter_topics(settings, exchanges)):
        out.print(f"{change.topic}: {change.setting} was {change.before}, is {change.after}")


def _show(states: "tuple[TopicState, ...]") -> None:
    from rich.table import Table

    table = Table("topic", "partitions", "cleanup", "retention", "key", title="Topics")
    for state in states:
        table.add_row(*state.cells())
    out.print(table)
    present = [state for state in states if state.exists]
    for state in present:
        for difference in state.differences:
            out.print(f"{state.spec.name}: {difference}")
    if any(state.fixed_differences for state in present):
        out.print(FIXED)
    if any(state.config_changes for state in present):
        out.print(APPLICABLE)
