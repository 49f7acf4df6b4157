"""The rates at which a worker and the plain loop of its stage empty the same backlog, in turns.

A run starts on a few records, which warm up every partition and show the time from start to first
output. Then the process is frozen (SIGSTOP) while the backlog is written, and continues. The rate
is measured from its first output to its last; the processor time is that of the backlog alone.
"""

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.workers.backlogs import Backlog
from benchmarks.workers.logs import EndOffsets, namespace, wait_for, write
from benchmarks.workers.processes import start
from liq.devstack.stack import Stack

START_SECONDS: Final = 90.0
SLOWEST_PER_SECOND: Final = 150
NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Drain:
    """The figures of one process on one backlog; `first_output_*` count from its start."""

    per_second: float
    cpu_microseconds: float
    peak_mebibytes: float
    first_output_seconds: float
    first_output_cpu_seconds: float


async def drain(stack: Stack, backlog: Backlog, *, is_loop: bool, partitions: int) -> Drain:
    """Run a worker or a plain loop on a backlog in its own topics.

    Raises:
        SystemExit: the output did not arrive in time.
    """
    name = f"{backlog.stage}-{next(NUMBERS)}"
    check = stack.supervisor.check
    async with (
        namespace(stack, name, backlog.exchanges, partitions=partitions) as run,
        EndOffsets(run) as ends,
    ):
        await write(run, backlog.warm.log)
        began = time.monotonic()
        process = start(stack, backlog.stage, run.environment, is_loop=is_loop, name=name)

        async def has_begun() -> bool:
            return await ends.total(*backlog.first) > before

        async def has_ended() -> bool:
            return await ends.total(*backlog.last) >= wanted

        async def begun() -> float:
            what = f"the first record of {name} on {backlog.first[0]}"
            return await wait_for(has_begun, seconds=START_SECONDS, what=what, check=check)

        async def done(seconds: float) -> float:
            what = f"{wanted:,} records of {name} on {backlog.last[0]}"
            return await wait_for(has_ended, seconds=seconds, what=what, check=check)

        before, wanted = 0, backlog.warm.outputs
        first = await begun()
        first_cpu = process.cpu_seconds()
        await done(START_SECONDS)
        process.freeze()
        await write(run, backlog.measured.log)
        before = await ends.total(*backlog.first)
        wanted += backlog.measured.outputs
        cpu = -process.cpu_seconds()
        process.thaw()
        started = await begun()
        ended = await done(START_SECONDS + backlog.measured.count / SLOWEST_PER_SECOND)
        cpu += process.cpu_seconds()
        peak = process.peak_mebibytes()
        await asyncio.to_thread(stack.supervisor.stop, name)
    count = backlog.measured.count
    return Drain(count / (ended - started), cpu / count * 1e6, peak, first - began, first_cpu)
