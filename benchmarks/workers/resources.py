"""The resources of workers: at the start, in silence, on a backlog, and under a load."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.workers.backlogs import START_MS, Logs
from benchmarks.workers.exchange import exchange
from benchmarks.workers.figures import quartiles
from benchmarks.workers.loads import SILENCE, Step
from benchmarks.workers.logs import Namespace, namespace, wait_for, write
from benchmarks.workers.observers import counting_rows
from benchmarks.workers.pipeline import EXCHANGES, PARTITIONS, START_SECONDS, Pipeline, pipeline
from benchmarks.workers.processes import WORKERS, Running, start
from benchmarks.workers.recorded import EXCHANGES as RECORDED
from liq.devstack.progress import PipelineProgress
from liq.devstack.stack import Stack
from liq.sinks.clickhouse.destination import STAGE as SINK_GROUP

REST_SECONDS: Final = 3.0
SAMPLE_SECONDS: Final = 0.2
WINDOW_SECONDS: Final = 2.0
EARLY_SECONDS: Final = 30.0
MEMORY_SECONDS: Final = 900.0
#: The consumer groups with another name than their worker.
GROUPS: Final = {"sink": SINK_GROUP}


class Start(NamedTuple):
    """The time and processor time of a worker until it is ready."""

    seconds: float
    cpu_seconds: float


class Idle(NamedTuple):
    """A worker's start, and its share of a core (percent) and memory in silence."""

    start: Start
    percent: float
    mebibytes: float


class Lag(NamedTuple):
    """A stage's uncommitted records after half a minute of a load, and at its end."""

    early: float
    late: float


async def idle(stack: Stack, seconds: float) -> dict[str, Idle]:
    """Start one worker after another, and measure them while only heartbeats arrive."""
    async with (
        exchange(SILENCE) as source,
        namespace(stack, "idle", EXCHANGES, partitions=PARTITIONS) as run,
        counting_rows(run),
    ):
        environment = {**run.environment, "ASTER_WS_URL": source.address}
        starts: dict[str, Start] = {}
        processes: dict[str, Running] = {}
        try:
            for stage in WORKERS:
                began = time.monotonic()
                processes[stage] = start(stack, stage, environment, is_loop=False)
                starts[stage] = await until_ready(stack, processes[stage], began)
            await asyncio.sleep(REST_SECONDS)
            spent = {stage: -process.cpu_seconds() for stage, process in processes.items()}
            began = time.monotonic()
            await asyncio.sleep(seconds)
            lasted = time.monotonic() - began
            return {
                stage: Idle(
                    starts[stage],
                    (spent[stage] + process.cpu_seconds()) / lasted * 100,
                    process.resident_mebibytes(),
                )
                for stage, process in processes.items()
            }
        finally:
            await asyncio.to_thread(stack.stop_workers)


async def memory(stack: Stack, *, frames: int, partitions: int) -> dict[str, float]:
    """Return the peak of memory (MiB) of each stage that starts on a backlog and empties it.

    The normalizer reads frames; the other stages read its outputs.
    """
    logs = Logs(partitions=partitions)
    backlog = logs.raw(logs.frames(frames, START_MS))
    async with (
        namespace(stack, "memory", RECORDED, partitions=partitions) as run,
        counting_rows(run),
        PipelineProgress(run.settings) as progress,
    ):
        await write(run, backlog.log)
        del logs, backlog
        topics = run.settings.topics
        return {
            stage: await _emptying(stack, run, progress, stage, names)
            for stage, names in (
                ("normalize", [topics.raw(exchange) for exchange in RECORDED]),
                ("detect", [topics.events]),
                ("sink", [topics.events]),
            )
        }


async def _emptying(
    stack: Stack, run: Namespace, progress: PipelineProgress, stage: str, topics: Sequence[str]
) -> float:
    """Run a stage until it has committed all records of topics; return its peak memory (MiB)."""
    process = start(stack, stage, run.environment, is_loop=False)

    async def is_empty() -> bool:
        await asyncio.sleep(SAMPLE_SECONDS)
        return await progress.lag(GROUPS.get(stage, stage), topics) == 0

    what, check = f"{stage} to empty its backlog", stack.supervisor.check
    try:
        await wait_for(is_empty, seconds=MEMORY_SECONDS, what=what, check=check)
        return process.peak_mebibytes()
    finally:
        await asyncio.to_thread(stack.stop_workers)


async def lags(stack: Stack, steps: Sequence[Step]) -> dict[str, Lag]:
    """Run a long load; return the lag of each stage early in the load and at its end."""
    seconds = sum(step.seconds for step in steps)
    async with pipeline(stack, steps, is_loop=False) as line:
        line.exchange.begin()
        began = time.monotonic()
        async with PipelineProgress(line.run.settings) as progress:
            early = await _lags(line, progress, began + min(EARLY_SECONDS, seconds / 2))
            late = await _lags(line, progress, began + seconds)
        await line.exchange.ended()
    return {stage: Lag(early[stage], late[stage]) for stage in early}


async def _lags(line: Pipeline, progress: PipelineProgress, until: float) -> dict[str, float]:
    """Return the median lag of each stage over the window before a time (`time.monotonic`)."""
    topics = line.run.settings.topics
    inputs = {
        "normalize": [topics.raw(exchange) for exchange in EXCHANGES],
        "detect": [topics.events, topics.pulse],
    }
    await asyncio.sleep(until - WINDOW_SECONDS - time.monotonic())
    found: dict[str, list[float]] = {stage: [] for stage in inputs}
    while time.monotonic() < until:
        for stage, names in inputs.items():
            found[stage].append(await progress.lag(stage, names))
        await asyncio.sleep(SAMPLE_SECONDS)
    return {stage: quartiles(samples).middle for stage, samples in found.items()}


async def until_ready(stack: Stack, process: Running, began: float) -> Start:
    """Wait until a worker that was started at `began` (`time.monotonic`) is ready."""

    async def is_ready() -> bool:
        return await asyncio.to_thread(process.is_ready)

    what = f"{process.name} to be ready"
    ready = await wait_for(is_ready, seconds=START_SECONDS, what=what, check=stack.supervisor.check)
    return Start(ready - began, process.cpu_seconds())
