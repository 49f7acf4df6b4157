"""The whole pipeline under a load: an exchange's websocket to events, alerts and rows.

`liq produce` and `liq sink` are in both pipelines; normalize and detect are the workers in one and
the plain loops in the other.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from benchmarks.workers.exchange import FIRST_NUMBER, MARK, WARM_MARK, Exchange, exchange
from benchmarks.workers.figures import Delays, delays
from benchmarks.workers.loads import Step
from benchmarks.workers.logs import Namespace, namespace, wait_for
from benchmarks.workers.observers import (
    Rows,
    Seen,
    alert_delays,
    arrivals,
    counting_rows,
    has_alert,
    row_delays,
    watching,
)
from benchmarks.workers.processes import LOOPS, WORKERS, Running, start
from liq.devstack.stack import Stack

PARTITIONS: Final = 12
EXCHANGES: Final = ("aster",)
START_SECONDS: Final = 90.0
#: The time limit of the slowest pipeline for the rest of a load.
CATCH_UP_SECONDS: Final = 240.0
SETTLE_SECONDS: Final = 0.5
NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline in which every part is warm, with its observers."""

    stack: Stack
    run: Namespace
    exchange: Exchange
    processes: Mapping[str, Running]
    events: Seen
    alerts: Seen
    rows: Rows
    warm: int


@dataclass(frozen=True, slots=True)
class Journey:
    """A load's delays in milliseconds, its lost events, and the processor time of the processes.

    `late_ms` is the exchange's greatest delay, which all delays may include. `cores` maps each
    process to its processor time divided by the time of load and catching up.
    """

    event: Delays
    alert: Delays
    row: Delays
    lost: int
    late_ms: float
    behind_seconds: float
    cores: Mapping[str, float]


@asynccontextmanager
async def pipeline(
    stack: Stack, steps: Sequence[Step], *, is_loop: bool
) -> AsyncIterator[Pipeline]:
    """Start a pipeline with its own topics and database, and warm it up."""
    name = f"pipeline-{next(NUMBERS)}"
    async with AsyncExitStack() as opened:
        enter = opened.enter_async_context
        source = await enter(exchange(steps))
        run = await enter(namespace(stack, name, EXCHANGES, partitions=PARTITIONS))
        rows = await enter(counting_rows(run))
        events = await enter(watching(run, "events"))
        alerts = await enter(watching(run, "cascades"))
        opened.callback(stack.stop_workers)
        environment = {**run.environment, "ASTER_WS_URL": source.address}
        processes = {
            stage: start(stack, stage, environment, is_loop=is_loop and stage in LOOPS)
            for stage in WORKERS
        }
        warm = await asyncio.wait_for(source.warmed(), START_SECONDS)
        made = Pipeline(stack, run, source, processes, events, alerts, rows, warm)
        if warm:
            await _arrived(made, WARM_MARK, warm, START_SECONDS)
        yield made


async def travel(stack: Stack, steps: Sequence[Step], *, is_loop: bool) -> Journey:
    """Run a load through a pipeline, and wait until all its outputs have arrived.

    Raises:
        SystemExit: an output did not arrive in time.
    """
    async with pipeline(stack, steps, is_loop=is_loop) as line:
        spent = {name: -process.cpu_seconds() for name, process in line.processes.items()}
        began = time.monotonic()
        line.exchange.begin()
        count, late_ms = await line.exchange.ended()
        ended = time.monotonic()
        await _arrived(line, MARK, line.warm + count, CATCH_UP_SECONDS)
        behind = time.monotonic() - ended
        for name, process in line.processes.items():
            spent[name] += process.cpu_seconds()
        seconds = time.monotonic() - began
        await asyncio.sleep(SETTLE_SECONDS)
        return _journey(
            line,
            count=count,
            late_ms=late_ms,
            behind_seconds=behind,
            cores={name: cpu / seconds for name, cpu in spent.items()},
        )


async def _arrived(line: Pipeline, mark: str, rows: int, seconds: float) -> None:
    async def has_arrived() -> bool:
        return line.rows.counts[-1][1] >= rows and has_alert(line.alerts.values, mark)

    check = line.stack.supervisor.check
    await wait_for(has_arrived, seconds=seconds, what=f"rows and the alert of {mark}", check=check)


def _journey(
    line: Pipeline,
    *,
    count: int,
    late_ms: float,
    behind_seconds: float,
    cores: Mapping[str, float],
) -> Journey:
    found = arrivals(line.events.values, FIRST_NUMBER)
    sent_ms = sorted(one.sent_ms for one in found.values())
    row = row_delays(sent_ms, line.rows.counts, line.warm)
    return Journey(
        delays(one.seen_ms - one.sent_ms for one in found.values()),
        delays(alert_delays(line.alerts.values, WARM_MARK)),
        delays(row),
        count - len(found),
        late_ms,
        behind_seconds,
        cores,
    )
