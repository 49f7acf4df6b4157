"""The main job on recorded input: every process of the pipeline, from capture to SQL."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
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
from liq.runtime.errors import DependencyError
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse import migrations
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.destination import STAGE as SINK_STAGE

DATA_DIRECTORY = Path(".liq/demo")
DATABASE = "liquidations_demo"
POLL_SECONDS = 0.25
# Without progress for this long, something is wrong that waiting will not mend.
STALLED_SECONDS = 60.0

PLAYER = "player"
SENT = "liq_frames_total"
NORMALIZED = "liq_frames_normalized_total"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to play, and how fast: `max`, or a multiple of the recorded pace.

    A live one goes over websockets: exchanges on this machine send it to the live producers.
    """

    capture: Path
    speed: str
    is_live: bool = False


def run_demo(options: DemoOptions) -> None:
    """Play a capture through real processes, print what SQL says, leave nothing running.

    Raises:
        ConfigurationError: a setting prevents it.
        DependencyError: a part died or stopped making progress.
    """
    started = time.monotonic()
    stack_options = load_stack_options(
        embedded_data_dir=DATA_DIRECTORY, clickhouse_database=DATABASE
    )
    configure_logging(load_settings(log_level="WARNING"), worker="demo")
    err.print("Starting broker, ClickHouse and workers ...")
    with Stack(stack_options, is_fresh=True) as stack:
        environment = {
            **stack.environment,
            "CLICKHOUSE_DATABASE": DATABASE,
            # A run of its own on brokers that hold other data.
            "TOPIC_NAMESPACE": f"demo-{time.time_ns() // 1_000_000_000}",
            "TOPIC_PARTITIONS": "4",
        }
        settings = load_settings(**{name.lower(): text for name, text in environment.items()})
        asyncio.run(ensure_topics(settings, configured_exchanges(settings)))
        prepare_database(settings)
        normalizer = stack.start_worker(
            "normalize", "process", "normalize", environment=environment
        )
        stack.start_worker("detect", "process", "detect", environment=environment)
        stack.start_worker("sink", "sink", "clickhouse", environment=environment)
        player = free_port()
        stack.start_task(
            PLAYER,
            "rehearse" if options.is_live else "replay",
            str(options.capture),
            "--speed",
            options.speed,
            environment={**environment, "HTTP_HOST": LOOPBACK, "HTTP_PORT": str(player)},
        )
        asyncio.run(_watch(settings, stack, _Sources(options.capture, player, normalizer)))
        print_report(connect(settings), options.capture)
        stack.stop_workers()
    seconds = time.monotonic() - started
    out.print(
        f"\nDone in {seconds:.0f} s; nothing is left running. Logs: {DATA_DIRECTORY}/logs",
        highlight=False,
    )


def prepare_database(settings: Settings) -> None:
    """An empty database with the current schema."""
    client = connect(settings, use_database=False)
    client.command(f"DROP DATABASE IF EXISTS {settings.clickhouse_database} SYNC")
    migrations.migrate(client, settings.clickhouse_database)


def metric_total(port: int, name: str) -> float:
    """The sum of a counter over its labels; 0 while the worker does not answer."""
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
    """Lines of a capture."""
    opener = gzip.open if capture.suffix == ".gz" else open
    with opener(capture, "rb") as lines:
        return sum(1 for line in lines if line.strip())


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where progress is read: the capture, and two workers' metrics ports."""

    capture: Path
    player_port: int
    normalizer_port: int


async def _watch(settings: Settings, stack: Stack, sources: _Sources) -> None:
    """Show three bars until the sink has stored everything; fail if a part dies or stalls."""
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
                return (
                    has_ended
                    and await progress.lag("normalize", raw) == 0
                    and await progress.lag("detect", [topics.events, topics.pulse]) == 0
                    and await progress.lag(SINK_STAGE, stored) == 0
                )

            await _until(update, lambda: progress.held([*raw, *stored]))
    code = stack.supervisor.wait_for_end(PLAYER, 1.0)
    if code != 0:
        raise DependencyError(f"The player ended with exit code {code}; see its log.")


async def _until(done: Callable[[], Awaitable[bool]], amount: Callable[[], Awaitable[int]]) -> None:
    """Poll `done`; give up when `amount` has not changed for a while."""
    last, since = -1, time.monotonic()
    while not await done():
        now = await amount()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > STALLED_SECONDS:
            raise DependencyError(
                f"No progress for {STALLED_SECONDS:.0f} s; see {DATA_DIRECTORY}/logs."
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
