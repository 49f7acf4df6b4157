"""Ten times the busiest recorded second for a while: memory, handles and threads do not grow."""

from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from tests.faults.conftest import StartRun, loops, now_ms

# The busiest second of the recordings in data/captures has 47 frames.
FRAMES_PER_SECOND = 470
SOAK_SECONDS = max(30, loops(600))
SAMPLES = 12
ASSETS = 30
GROWTH_MIB = 24
GROWTH_HANDLES = 8

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(600 + 2 * SOAK_SECONDS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


def usage(process_id: int) -> tuple[float, int, int]:
    """Resident memory in MiB, open file handles, threads."""
    process = Path(f"/proc/{process_id}")
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    handles = len(list((process / "fd").iterdir()))
    return int(status["VmRSS"].split()[0]) / 1024, handles, int(status["Threads"])


def test_ten_times_the_busiest_recorded_second_leaves_nothing_behind(
    start_run: StartRun, make_settings: MakeSettings
) -> None:
    run = start_run(make_settings(), frames_per_second=FRAMES_PER_SECOND, assets=ASSETS)
    members = list(run.pipeline.members.values())
    seen: dict[str, list[tuple[float, int, int]]] = {member.name: [] for member in members}
    for _ in range(SAMPLES):
        run.pipeline.pause(SOAK_SECONDS / SAMPLES)
        for member in members:
            seen[member.name].append(usage(run.pipeline.process_id(member)))
    run.recover(now_ms())
    run.end(f"soak: {SOAK_SECONDS} s at {FRAMES_PER_SECOND} frames a second")
    assert [member.starts for member in members] == [1] * len(members)
    for name, samples in seen.items():
        # The first half warms caches up; after it, the highest may not rise.
        middle, last = samples[SAMPLES // 2 : SAMPLES * 3 // 4], samples[SAMPLES * 3 // 4 :]
        for column, allowed in enumerate((GROWTH_MIB, GROWTH_HANDLES, GROWTH_HANDLES)):
            growth = max(row[column] for row in last) - max(row[column] for row in middle)
            assert growth < allowed, (name, samples)
