"""The rates of work that cannot spread over workers: one asset's partition, and the market's lane.

A ready detector is frozen (SIGSTOP) while a backlog is written for the lane, and then continues.
The rate is measured until it has committed all of the backlog.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from benchmarks.workers.backlogs import SILENCE_MS, START_MS, Logs
from benchmarks.workers.logs import Log, LogRecord, Namespace, grouped, namespace, wait_for, write
from benchmarks.workers.processes import start
from benchmarks.workers.resources import until_ready
from liq.devstack.progress import PipelineProgress
from liq.devstack.stack import Stack
from liq.schemas.codec import encode
from liq.schemas.headers import (
    HEARTBEAT_KEY,
    PULSE,
    pulse_headers,
    pulse_heartbeat_headers,
)
from liq.schemas.records import Pulse, PulseSlice
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Side

ONE_ASSET: Final = ("BTC",)
WARM_FRAMES, FRAMES = 2_000, 60_000
#: The assets of a busy second, on both sides. The recording's busiest second has some 150 assets.
ASSETS: Final = 200
WARM_SECONDS, SECONDS = 5, 100
USD: Final = Decimal("25000.5")
LANE_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane's records a second, and the processor time of a record."""

    per_second: float
    cpu_microseconds: float


async def asset_lane(stack: Stack, *, partitions: int) -> Lane:
    """Measure one detector on one asset."""
    warm, measured = Logs(partitions=partitions, assets=ONE_ASSET).liquidations(WARM_FRAMES, FRAMES)
    return await _lane(stack, "events", partitions, warm.log, measured.log, measured.count)


async def market_lane(stack: Stack, *, partitions: int) -> Lane:
    """Measure the market's stage on pulses."""
    later_ms = START_MS + WARM_SECONDS * SECOND_MS + SILENCE_MS
    warm = market_log(START_MS, WARM_SECONDS, partitions)
    measured = market_log(later_ms, SECONDS, partitions)
    count = SECONDS * ASSETS * len(Side)
    return await _lane(stack, "pulse", partitions, warm, measured, count)


def market_log(start_ms: int, seconds: int, sources: int) -> Log:
    """Return the pulses of busy seconds, and the heartbeats of all events partitions."""
    return grouped(_pulses(start_ms, seconds, sources))


async def _lane(  # noqa: PLR0913, PLR0917 - a lane's input in two parts, and where it goes
    stack: Stack, ending: str, partitions: int, warm: Log, measured: Log, count: int
) -> Lane:
    async with (
        namespace(stack, f"lane-{ending}", (), partitions=partitions) as run,
        PipelineProgress(run.settings) as progress,
    ):
        await write(run, warm)
        began = time.monotonic()
        process = start(stack, "detect", run.environment, is_loop=False)
        try:
            await until_ready(stack, process, began)
            await _until_committed(stack, run, progress, ending)
            process.freeze()
            await write(run, measured)
            cpu = -process.cpu_seconds()
            began = time.monotonic()
            process.thaw()
            ended = await _until_committed(stack, run, progress, ending)
            cpu += process.cpu_seconds()
        finally:
            process.thaw()
            await asyncio.to_thread(stack.stop_workers)
    return Lane(count / (ended - began), cpu / count * 1e6)


async def _until_committed(
    stack: Stack, run: Namespace, progress: PipelineProgress, ending: str
) -> float:
    async def is_committed() -> bool:
        await asyncio.sleep(POLL_SECONDS)
        return await progress.lag("detect", [run.topic(ending)]) == 0

    what, check = f"the {ending} of a lane to be committed", stack.supervisor.check
    return await wait_for(is_committed, seconds=LANE_SECONDS, what=what, check=check)


def _pulses(start_ms: int, seconds: int, sources: int) -> Iterator[tuple[str, int, LogRecord]]:
    for second in range(seconds):
        clock_ms = start_ms + second * SECOND_MS
        for number in range(ASSETS):
            for side in Side:
                record = _pulse(f"A{number:03d}", side, clock_ms)
                headers = pulse_headers(number % sources, PULSE, clock_ms)
                yield "pulse", 0, LogRecord(record.asset.encode(), encode(record), headers)
        for source in range(sources):
            headers = pulse_heartbeat_headers(source, clock_ms + SECOND_MS)
            yield "pulse", 0, LogRecord(HEARTBEAT_KEY, None, headers)


def _pulse(asset: str, side: Side, clock_ms: int) -> Pulse:
    return Pulse(
        asset=asset,
        side=side,
        timestamp_ms=clock_ms + SECOND_MS,
        slices=(PulseSlice(clock_ms, 3, USD),),
        exchanges=("binance", "bybit"),
        complete_count=3,
        largest_event_id=f"{asset}-{clock_ms}",
        largest_usd=USD,
    )
