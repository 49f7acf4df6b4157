"""`liq demo`: a capture through every process of the pipeline, up to the results of SQL."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from liq.cli.console import err, out
from liq.cli.exchanges import configured_exchanges
from liq.devstack.demo_report import print_report
from liq.devstack.options import load_stack_options
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.progress import PipelineProgress
from liq.devstack.stack import Stack
from liq.devstack.starting import starting
from liq.runtime.errors import DependencyError
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.destination import STAGE as SINK_STAGE
from liq.sinks.clickhouse.installation import install
from liq.sinks.clickhouse.shards import servers_of

DATA_DIRECTORY = Path(".liq/demo")
DATABASE = "liquidations_demo"
POLL_SECONDS = 0.25
# Without progress for this long, waiting does not help; a busy machine may still need minutes.
STALLED_SECONDS = 300.0

PLAYER = "player"
SENT = "liq_frames_total"
NORMALIZED = "liq_frames_normalized_total"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The capture to play, and the speed: `max`, or a multiple of the recorded pace.

    If `is_live`, local exchanges send the capture over websockets to the live producers.
    """

    capture: Path
    speed: str
    is_live: bool = False


def run_demo(options: DemoOptions) -> None:
    """Play a capture through real processes, print results of SQL, and stop all processes.

    Raises:
        ConfigurationError: a setting prevents the start.
        DependencyError: a process died or stopped making progress.
    """
    started = time.monotonic()
    stack_options = load_stack_options(
        embedded_data_dir=DATA_DIRECTORY, clickhouse_database=DATABASE
    )
    configure_logging(load_settings(log_level="WARNING"), worker="demo")
    say = starting()
    with Stack(stack_options, is_fresh=True, say=say) as stack:
        environment = {
            **stack.environment,
            "CLICKHOUSE_DATABASE": DATABASE,
            # A namespace of its own, because the brokers may contain other data.
            "TOPIC_NAMESPACE": f"demo-{time.time_ns() // 1_000_000_000}",
            "TOPIC_PARTITIONS": "4",
        }
        settings = load_settings(**{name.lower(): text for name, text in environment.items()})
        say("topics and tables")
        asyncio.run(ensure_topics(settings, configured_exchanges(settings)))
        prepare_database(settings)
        ports = stack.start_workers(
            {
                "normalize": ("process", "normalize"),
                "detect": ("process", "detect"),
                "sink": ("sink", "clickhouse"),
            },
            environment,
        )
        player = free_port()
        stack.start_task(
            PLAYER,
            "rehearse" if options.is_live else "replay",
            str(options.capture),
            "--speed",
            options.speed,
            environment={**environment, "HTTP_HOST": LOOPBACK, "HTTP_PORT": str(player)},
        )
        asyncio.run(_watch(settings, stack, _Sources(options.capture, player, ports["normalize"])))
        print_report(connect(settings), options.capture)
        stack.stop_workers()
    seconds = time.monotonic() - started
    out.print(
        f"\nDone in {seconds:.0f} s; nothing is left running. Logs: {DATA_DIRECTORY}/logs\n"
        "Next: `make live` plays it at 60 times its pace and shows it on a page, until Ctrl-C.",
        highlight=False,
    )


def prepare_database(settings: Settings) -> None:
    """Create an empty database with the current schema on every server that stores rows."""
    for server in servers_of(settings):
        with closing(connect(settings, use_database=False, url=server.url)) as client:
            for database in {settings.clickhouse_database, server.database}:
                client.command(f"DROP DATABASE IF EXISTS {database} SYNC")
    install(settings)


def metric_total(port: int, name: str) -> float:
    """Return the sum of a counter over its labels; 0 while the worker does not answer."""
    try:
        with urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=1) as answer:
            text = answer.read().decode()
    except OSError:
        return 0.0
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    )


def count_frames(capture: Path) -> int:
    """Return the number of frames in a capture."""
    opener = gzip.open if capture.suffix == ".gz" else open
    with opener(capture, "rb") as lines:
        return sum(1 for line in lines if line.strip())


@dataclass(frozen=True, slots=True)
class _Sources:
    """The sources of progress: the capture, and the metrics ports of two workers."""

    capture: Path
    player_port: int
    normalizer_port: int


async def _watch(settings: Settings, stack: Stack, sources: _Sources) -> None:
    """Show three progress bars until the sink has stored all records.

    Raises:
        DependencyError: a process died or stopped making progress.
    """
    topics = settings.topics
    raw = [topics.raw(exchange) for exchange in configured_exchanges(settings)]
    stored = [topics.events, topics.cascades, topics.rejected, topics.feeds]
    frames = count_frames(sources.capture)
    with _progress_bars() as bars:
        published = bars.add_task("frames published", total=frames)
        normalized = bars.add_task("frames normalized", total=frames)
        loaded = bars.add_task("records in ClickHouse", total=None)
        async with PipelineProgress(settings) as progress:

            async def update() -> bool:
                stack.supervisor.check()
                has_ended = stack.supervisor.has_ended(PLAYER)
                sent = frames if has_ended else metric_total(sources.player_port, SENT)
                bars.update(published, completed=sent)
                bars.update(normalized, completed=metric_total(sources.normalizer_port, NORMALIZED))
                to_store = await progress.held(stored)
                in_store = await progress.handled(SINK_STAGE, stored)
                bars.update(loaded, completed=in_store, total=to_store or None)
                return has_ended and not await behind()

            async def behind() -> str:
                """Return a clause about the first stage with a lag; empty if no stage has one."""
                for stage, read in (
                    ("normalize", raw),
                    ("detect", [topics.events, topics.pulse]),
                    (SINK_STAGE, stored),
                ):
                    left = await progress.lag(stage, read)
                    if left:
                        return f"{stage} has {left} records to handle"
                return ""

            async def amount() -> tuple[float, ...]:
                """Return the numbers of written and handled records, to notice any progress."""
                return (
                    await progress.held([*raw, *stored]),
                    await progress.handled("normalize", raw),
                    await progress.handled("detect", [topics.events, topics.pulse]),
                    await progress.handled(SINK_STAGE, stored),
                )

            await _until(update, amount, behind)
    code = stack.supervisor.wait_for_end(PLAYER, 1.0)
    if code != 0:
        raise DependencyError(f"The player ended with exit code {code}; see its log.")


async def _until(
    done: Callable[[], Awaitable[bool]],
    amount: Callable[[], Awaitable[tuple[float, ...]]],
    behind: Callable[[], Awaitable[str]],
) -> None:
    """Wait for `done`.

    Raises:
        DependencyError: `amount` did not change for `STALLED_SECONDS`; the message has `behind`.
    """
    last: tuple[float, ...] = ()
    since = time.monotonic()
    while not await done():
        now = await amount()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > STALLED_SECONDS:
            raise DependencyError(
                f"No progress for {STALLED_SECONDS:.0f} s: {await behind() or 'the player goes on'}"
                f"; see {DATA_DIRECTORY}/logs."
            )
        await asyncio.sleep(POLL_SECONDS)


def _progress_bars() -> Progress:
    return Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
    )
