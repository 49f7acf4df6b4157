"""Load for a while, and rebalances for hours: memory, handles, threads and lag do not grow.

`make test-soak SOAK_MINUTES=120` runs the second of them, which nothing else does.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.conftest import MakeSettings
from tests.faults.conftest import Run, StartRun, loops, now_ms
from tests.faults.pipeline import READY_SECONDS, Member, Pipeline, Role

# The busiest second of the recordings in data/captures has 47 frames.
FRAMES_PER_SECOND = 470
SOAK_SECONDS = max(30, loops(600))
SAMPLES = 12
ASSETS = 30

LONG_MINUTES = float(os.environ.get("SOAK_MINUTES", "0"))
REBALANCE_MINUTES = float(os.environ.get("SOAK_REBALANCE_MINUTES", "10"))
SAMPLE_SECONDS = 30.0
REBALANCED = (Role.NORMALIZE, Role.DETECT, Role.SINK)
#: A worker that was alone for less has not come to rest.
QUIET_SECONDS = 15.0

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(1_200 + 2 * SOAK_SECONDS + 120 * LONG_MINUTES),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


class Usage(NamedTuple):
    """What a worker uses: resident memory, handles, threads; and the records it has to read."""

    mebibytes: float
    handles: int
    threads: int
    lag: int


#: By how much the highest of the last quarter may exceed the highest of the second one.
GROWTH: Final = Usage(mebibytes=24, handles=8, threads=8, lag=1_500)


def usage(pipeline: Pipeline, member: Member) -> Usage:
    process = Path(f"/proc/{pipeline.process_id(member)}")
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    return Usage(
        mebibytes=int(status["VmRSS"].split()[0]) / 1024,
        handles=len(list((process / "fd").iterdir())),
        threads=int(status["Threads"]),
        lag=pipeline.lag(member.role),
    )


def expect_no_growth(seen: dict[str, list[Usage]]) -> None:
    """The first half warms caches up; after it, the highest may not rise."""
    for name, samples in seen.items():
        quarter = len(samples) // 4
        assert quarter > 0
        middle, last = samples[-2 * quarter : -quarter], samples[-quarter:]
        for field, allowed in GROWTH._asdict().items():
            growth = max(getattr(row, field) for row in last) - max(
                getattr(row, field) for row in middle
            )
            assert growth < allowed, (name, field, samples)


def lines(seen: dict[str, list[Usage]]) -> list[str]:
    """What each worker used at the end of each quarter, as text."""
    found = ["worker             at   MiB  handles  threads   lag"]
    for name, samples in seen.items():
        for quarter in range(1, 5):
            row = samples[len(samples) * quarter // 4 - 1]
            found.append(
                f"{name:17} {quarter}/4 {row.mebibytes:5.0f} {row.handles:8} {row.threads:8} "
                f"{row.lag:5}"
            )
    return found


def test_ten_times_the_busiest_recorded_second_leaves_nothing_behind(
    start_run: StartRun, make_settings: MakeSettings
) -> None:
    run = start_run(make_settings(), frames_per_second=FRAMES_PER_SECOND, assets=ASSETS)
    members = list(run.pipeline.members.values())
    seen: dict[str, list[Usage]] = {member.name: [] for member in members}
    for _ in range(SAMPLES):
        run.pipeline.pause(SOAK_SECONDS / SAMPLES)
        for member in members:
            seen[member.name].append(usage(run.pipeline, member))
    run.recover(now_ms())
    run.end(f"soak: {SOAK_SECONDS} s at {FRAMES_PER_SECOND} frames a second")
    assert [member.starts for member in members] == [1] * len(members)
    expect_no_growth(seen)


@pytest.mark.skipif(not LONG_MINUTES, reason="takes hours: make test-soak SOAK_MINUTES=120")
def test_hours_with_rebalances_leave_nothing_behind(run: Run, say: Callable[[str], None]) -> None:
    pipeline = run.pipeline
    members = list(pipeline.members.values())
    seen: dict[str, list[Usage]] = {member.name: [] for member in members}
    rounds = max(1, round(LONG_MINUTES / REBALANCE_MINUTES))
    for _ in range(rounds):
        rebalance(run)
        pipeline.pause(QUIET_SECONDS)
        for _ in range(max(4, int(REBALANCE_MINUTES * 60 / SAMPLE_SECONDS))):
            pipeline.pause(min(SAMPLE_SECONDS, REBALANCE_MINUTES * 60 / 4))
            for member in members:
                seen[member.name].append(usage(pipeline, member))
        say("\n".join(("", *lines(seen))))
    run.recover(now_ms())
    run.end(f"soak: {LONG_MINUTES:g} min, a rebalance every {REBALANCE_MINUTES:g} min", rounds)
    assert [member.starts for member in members] == [1] * len(members)
    expect_no_growth(seen)


def rebalance(run: Run) -> None:
    """Let a second worker of each kind come, work a while, and go."""
    pipeline = run.pipeline
    fault_ms = now_ms()
    others: Sequence[Member] = [pipeline.start(role, "other") for role in REBALANCED]
    pipeline.wait_until(lambda: all(map(pipeline.is_ready, others)), READY_SECONDS)
    pipeline.pause(QUIET_SECONDS)
    codes = pipeline.stop(*others)
    assert set(codes.values()) == {0}, codes
    run.recover(fault_ms)
