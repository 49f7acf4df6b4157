"""Producers whose clocks are wrong: they blind nobody, and make no cascade twice.

The comparison alone would not show that: offline, the same times are believed.
"""

from collections import Counter

import pytest

from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType
from tests.faults.conftest import Run, loops, now_ms
from tests.faults.operations import CLOCKS
from tests.faults.pipeline import Role
from tests.faults.skew import skewed
from tests.faults.traffic import asset_at
from tests.faults.verdict import parsed

SECONDS = max(20, loops(60))
#: Of the assets that fall one by one, so many are found: the first and last seconds may be cut off.
FOUND_SHARE = 0.8
EDGE_MS = 5_000

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300 + 2 * SECONDS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]

SECOND_PRODUCERS = {
    "a second producer 70 s ahead": skewed(70),
    "a second producer 120 s ahead": skewed(120),
    "a second producer an hour ahead": skewed(3_600),
    "a second producer 70 s behind": skewed(-70),
    "a second producer that steps back by an hour": skewed(0, step_after_seconds=15, to=-3_600),
    "a second producer that steps ahead by an hour": skewed(0, step_after_seconds=15, to=3_600),
}


def expect_every_cascade_once(run: Run, from_ms: int, to_ms: int) -> None:
    """Fail unless nearly every asset that fell in a time was found, and none of them twice."""
    fallen = {asset_at(at_ms) for at_ms in range(from_ms + EDGE_MS, to_ms - EDGE_MS, SECOND_MS)}
    published = run.operations.history.values(run.pipeline.settings.topics.cascades)
    alerts = [parsed(value) for value in published]
    cascades = {
        each["cascade_id"]: each["asset"] for each in alerts if each["type"] == AlertType.DETECTED
    }
    found = Counter(asset for asset in cascades.values() if asset in fallen)
    assert len(found) >= FOUND_SHARE * len(fallen), fallen - found.keys()
    assert set(found.values()) == {1}, found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.short_form) if "70 s ahead" in name else name
        for name in SECOND_PRODUCERS
    ],
)
def test_a_second_producer_with_a_wrong_clock(run: Run, name: str) -> None:
    run.pipeline.start(Role.PRODUCE, "b", **SECOND_PRODUCERS[name])
    fault_ms = now_ms()
    run.pipeline.pause(SECONDS)
    run.recover(now_ms())
    run.end(name)
    expect_every_cascade_once(run, fault_ms, fault_ms + SECONDS * SECOND_MS)


@pytest.mark.short_form
def test_frames_and_heartbeats_with_odd_times_of_receipt(run: Run) -> None:
    started_ms = now_ms()
    for name in CLOCKS:
        fault_ms = now_ms()
        run.operations.odd_clock(name)
        run.recover(fault_ms)
    ended_ms = now_ms()
    run.end(f"frames and heartbeats of producers with odd clocks: {', '.join(CLOCKS)}", len(CLOCKS))
    expect_every_cascade_once(run, started_ms, ended_ms)
