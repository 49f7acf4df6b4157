"""The parts of the table, and the amounts that the two forms measure."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.workers.backlogs import Backlog, Logs
from benchmarks.workers.figures import quartiles
from benchmarks.workers.lanes import asset_lane, market_lane
from benchmarks.workers.loads import Step
from benchmarks.workers.pipeline import PARTITIONS, Journey, travel
from benchmarks.workers.report import MEMORY, MEMORY_OF_MANY, Row, compared
from benchmarks.workers.resources import idle, lags, memory
from benchmarks.workers.takeover import take_overs
from benchmarks.workers.throughput import Drain, drain
from benchmarks.workers.yardstick import yardstick_microseconds
from liq.devstack.stack import Stack

WARM_FRAMES: Final = 2_000
MEMORY_FRAMES, MEMORY_PARTITIONS = 600_000, 48


@dataclass(frozen=True, slots=True)
class Form:
    """The amounts to measure. Frames are those of a backlog; a load consists of steps."""

    rounds: int
    delay_rounds: int
    normalize_frames: int
    detect_frames: int
    loads: Mapping[str, Sequence[Step]]
    sustained: Sequence[Step]
    idle_seconds: float
    parts: Sequence[str]


#: The short form is for CI: what its limits need, in about three minutes, at a rate that a slow
#: machine easily sustains.
FORMS: Final = {
    "short": Form(
        rounds=3,
        delay_rounds=2,
        normalize_frames=30_000,
        detect_frames=30_000,
        loads={"300/s": (Step(8, 300),)},
        sustained=(Step(20, 3_000),),
        idle_seconds=10.0,
        parts=("normalize", "detect", "delays"),
    ),
    "long": Form(
        rounds=5,
        delay_rounds=5,
        normalize_frames=300_000,
        detect_frames=100_000,
        loads={
            "100/s": (Step(20, 100),),
            "1,000/s": (Step(20, 1_000),),
            "5,000/s": (Step(10, 5_000),),
            # The peak of 10 October 2025 in one second.
            "burst": (Step(8, 150), Step(1, 11_000, fresh=10), Step(15, 150)),
        },
        sustained=(Step(120, 3_000),),
        idle_seconds=30.0,
        parts=("normalize", "detect", "delays", "sustained", "memory", "idle", "takeover", "lanes"),
    ),
}


async def measure_normalize(stack: Stack, form: Form) -> list[Row]:
    """Measure the normalizer on a backlog of frames."""
    backlog = Logs(partitions=PARTITIONS).normalize(WARM_FRAMES, form.normalize_frames)
    return await _throughput(stack, form, backlog)


async def measure_detect(stack: Stack, form: Form) -> list[Row]:
    """Measure the detector on a backlog of liquidations."""
    backlog = Logs(partitions=PARTITIONS).detect(WARM_FRAMES, form.detect_frames)
    return await _throughput(stack, form, backlog)


async def measure_delays(stack: Stack, form: Form) -> list[Row]:
    """Measure the delays of every load through the whole pipeline."""
    rows: list[Row] = []
    for load, steps in form.loads.items():
        ours: list[Journey] = []
        peers: list[Journey] = []
        for number in range(form.delay_rounds):
            for is_loop in _order(number):
                found = await travel(stack, steps, is_loop=is_loop)
                (peers if is_loop else ours).append(found)
        rows += _delay_rows(load, ours, peers)
    return rows


async def measure_sustained(stack: Stack, form: Form) -> list[Row]:
    """Measure whether a rate can be sustained."""
    found = await lags(stack, form.sustained)
    [step] = form.sustained
    return [
        row
        for stage, lag in found.items()
        for row in (
            Row(f"{step.per_second:,}/s, {stage}: lag early, records", lag.early),
            Row(f"{step.per_second:,}/s, {stage}: lag after {step.seconds} s", lag.late),
        )
    ]


async def measure_memory(stack: Stack, _: Form) -> list[Row]:
    """Measure each stage's memory on a backlog over many partitions."""
    most = await memory(stack, frames=MEMORY_FRAMES, partitions=MEMORY_PARTITIONS)
    return [
        Row(f"{stage}, {MEMORY_OF_MANY}", mebibytes, note=f"{MEMORY_FRAMES:,} frames waiting")
        for stage, mebibytes in most.items()
    ]


async def measure_idle(stack: Stack, form: Form) -> list[Row]:
    """Measure starts, and the costs of silence."""
    found = await idle(stack, form.idle_seconds)
    return [
        row
        for stage, one in found.items()
        for row in (
            Row(f"{stage}, start to ready, s", one.start.seconds),
            Row(f"{stage}, start to ready, CPU s", one.start.cpu_seconds),
            Row(f"{stage}, idle, % of a core", one.percent),
            Row(f"{stage}, idle, MiB", one.mebibytes),
        )
    ]


async def measure_takeover(stack: Stack, _: Form) -> list[Row]:
    """Measure the effect of the age of a detector's state on its take-over."""
    found = await take_overs(stack, partitions=PARTITIONS)

    def row(measure: str, old: float, young: float) -> Row:
        return Row(f"detect, old state, {measure}", old, note=f"young state: {young:.2f}")

    old, young = found.old, found.young
    written = Row("detect, old state, MiB written", found.written_mebibytes)
    return [
        written,
        row("MiB read", old.state_mebibytes, young.state_mebibytes),
        row("start to ready, s", old.ready_seconds, young.ready_seconds),
        row("start to ready, CPU s", old.ready_cpu_seconds, young.ready_cpu_seconds),
        row("ready to output, s", old.output_seconds, young.output_seconds),
        row("ready to output, CPU s", old.output_cpu_seconds, young.output_cpu_seconds),
    ]


async def measure_lanes(stack: Stack, _: Form) -> list[Row]:
    """Measure the lanes that cannot spread over workers."""
    asset = await asset_lane(stack, partitions=PARTITIONS)
    market = await market_lane(stack, partitions=PARTITIONS)
    return [
        Row("one asset in one partition, events/s", asset.per_second),
        Row("one asset in one partition, CPU us an event", asset.cpu_microseconds),
        Row("the market's lane, pulses/s", market.per_second),
        Row("the market's lane, CPU us a pulse", market.cpu_microseconds),
    ]


#: Measures one part of the table.
Part = Callable[[Stack, Form], Coroutine[Any, Any, list[Row]]]

PARTS: Final[dict[str, Part]] = {
    "normalize": measure_normalize,
    "detect": measure_detect,
    "delays": measure_delays,
    "sustained": measure_sustained,
    "memory": measure_memory,
    "idle": measure_idle,
    "takeover": measure_takeover,
    "lanes": measure_lanes,
}


async def _throughput(stack: Stack, form: Form, backlog: Backlog) -> list[Row]:
    ours: list[Drain] = []
    peers: list[Drain] = []
    yardsticks: list[float] = []
    for number in range(form.rounds):
        for is_loop in _order(number):
            found = await drain(stack, backlog, is_loop=is_loop, partitions=PARTITIONS)
            (peers if is_loop else ours).append(found)
        yardsticks.append(yardstick_microseconds())

    def row(measure: str, of: Callable[[Drain], float]) -> Row:
        return compared(f"{backlog.stage}, {measure}", [*map(of, ours)], [*map(of, peers)])

    return [
        row("events/s", lambda one: one.per_second),
        row("CPU us an event", lambda one: one.cpu_microseconds),
        compared(
            f"{backlog.stage}, loop's CPU us / yardstick's",
            [one.cpu_microseconds for one in peers],
            yardsticks,
        ),
        row(MEMORY, lambda one: one.peak_mebibytes),
        row("start to first output, s", lambda one: one.first_output_seconds),
        row("start to first output, CPU s", lambda one: one.first_output_cpu_seconds),
    ]


def _delay_rows(load: str, ours: Sequence[Journey], peers: Sequence[Journey]) -> list[Row]:
    def row(measure: str, of: Callable[[Journey], float], note: str = "") -> Row:
        return compared(f"{load}, {measure}", [*map(of, ours)], [*map(of, peers)], note)

    alerts = quartiles([one.alert.number for one in ours]).middle
    lost = sum(one.lost for one in (*ours, *peers))
    late_ms = max(one.late_ms for one in (*ours, *peers))
    used = ", ".join(
        f"{stage} {quartiles([one.cores[stage] for one in ours]).middle:.2f}"
        for stage in ours[0].cores
    )
    return [
        row("event p50, ms", lambda one: one.event.p50),
        row(
            "event p99, ms",
            lambda one: one.event.p99,
            f"{lost} lost; sent up to {late_ms:.0f} ms late",
        ),
        row("event max, ms", lambda one: one.event.most),
        row("alert p50, ms", lambda one: one.alert.p50, f"{alerts:.0f} alerts"),
        row("alert max, ms", lambda one: one.alert.most),
        row("row p50, ms", lambda one: one.row.p50),
        row("row p99, ms", lambda one: one.row.p99),
        row("end of load to the last alert, s", lambda one: one.behind_seconds),
        row("cores of all four", lambda one: sum(one.cores.values()), f"ours: {used}"),
    ]


def _order(number: int) -> tuple[bool, bool]:
    """Return the order of worker and loop (`is_loop`) in a round, which alternates."""
    return (True, False) if number % 2 else (False, True)
