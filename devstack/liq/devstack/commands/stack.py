"""`liq dev` and `liq demo`: the whole engine on a laptop."""

import asyncio
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import err, exits_on_configuration_error, out
from liq.cli.exchanges import configured_exchanges
from liq.devstack.demo import DemoOptions, run_demo
from liq.devstack.options import load_stack_options
from liq.devstack.stack import Stack
from liq.runtime.logs import configure_logging
from liq.runtime.settings import load_settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse import migrations
from liq.sinks.clickhouse.client import connect

WATCH_SECONDS = 1.0
CAPTURE = Path("data/captures/2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz")


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def demo(
    capture: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A recorded capture.")
    ] = CAPTURE,
    speed: Annotated[
        str, typer.Option(help="max, or a multiple of the recorded pace (1, 60, 600 ...).")
    ] = "max",
    live: Annotated[
        bool, typer.Option("--live", help="Through websockets and the live producers.")
    ] = False,
) -> None:
    """Play a recorded capture through every process of the engine and print what SQL says."""
    _end_on_signals()
    run_demo(DemoOptions(capture, speed, is_live=live))


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def dev() -> None:
    """Keep an embedded broker, an embedded ClickHouse and all workers running until Ctrl-C."""
    _end_on_signals()
    configure_logging(load_settings(log_level="WARNING"), worker="dev")
    with Stack(load_stack_options()) as stack:
        settings = load_settings(**{name.lower(): text for name, text in stack.environment.items()})
        asyncio.run(ensure_topics(settings, configured_exchanges(settings)))
        migrations.migrate(connect(settings, use_database=False), settings.clickhouse_database)
        ports = {
            "reference": stack.start_worker("reference", "reference"),
            "normalize": stack.start_worker("normalize", "process", "normalize"),
            "detect": stack.start_worker("detect", "process", "detect"),
            "sink": stack.start_worker("sink", "sink", "clickhouse"),
        }
        out.print(f"Kafka       {settings.kafka_bootstrap_servers}", highlight=False)
        out.print(f"ClickHouse  {settings.clickhouse_url}", highlight=False)
        for name, port in ports.items():
            out.print(f"{name:<11} http://127.0.0.1:{port}/metrics", highlight=False)
        out.print("In another shell: set -a; . .liq/stack.env; liq replay FILE", highlight=False)
        out.print("Ctrl-C ends everything.")
        try:
            while True:
                stack.supervisor.check()
                time.sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            err.print("Stopping ...")


def _end_on_signals() -> None:
    """Let SIGTERM unwind like Ctrl-C, so that `with` statements stop the children.

    A process that a script started in the background would ignore Ctrl-C otherwise.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)
