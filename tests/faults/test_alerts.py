"""The alert rules in a real Prometheus that scrapes a pipeline under traffic."""

from pathlib import Path

import pytest

from liq.devstack.ports import LOOPBACK, free_port
from tests.faults.conftest import FAULT_SHARE, Run, now_ms
from tests.faults.pipeline import Role
from tests.support.prometheus_server import BINARY, REASON, running_prometheus

#: Ten minutes in the long form.
QUIET_SECONDS = max(30.0, 600 * FAULT_SHARE)
#: `for` is a minute.
RAISED_SECONDS = 120.0
SCRAPE = "5s"
#: The span of the newest evaluation.
NOW = "6s"
JOBS = {
    Role.PRODUCE: "produce",
    Role.NORMALIZE: "normalize",
    Role.DETECT: "detect",
    Role.SINK: "sink",
}

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.skipif(BINARY is None, reason=REASON),
    pytest.mark.timeout(900 + 2 * QUIET_SECONDS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


def test_quiet_minutes_and_short_restarts_raise_nothing_and_an_absence_does(
    run: Run, tmp_path: Path
) -> None:
    """Each kind of worker is killed and started again at once; then the detector stays away."""
    pipeline = run.pipeline
    targets: dict[str, list[str]] = {job: [] for job in JOBS.values()}
    # A second producer, so that the kill of the first one leaves no gap.
    for role, slot in ((Role.PRODUCE, "1"), *((role, "0") for role in Role)):
        pipeline.stop(*(each for each in pipeline.of(role) if each.slot == slot))
        port = str(free_port())
        member = pipeline.start(role, slot, HTTP_PORT=port)
        pipeline.wait_until(lambda: pipeline.is_ready(member), 90)  # noqa: B023 - at once
        targets[JOBS[role]].append(f"{LOOPBACK}:{port}")
    addresses = {job: ",".join(found) for job, found in targets.items()}
    with running_prometheus(tmp_path, addresses, SCRAPE) as prometheus:
        pipeline.wait_until(lambda: prometheus.is_up(*addresses), 60)
        pipeline.pause(QUIET_SECONDS)
        assert prometheus.firing() == set()
        for role in Role:
            fault_ms = now_ms()
            pipeline.kill(pipeline.of(role)[0])
            run.recover(fault_ms)
        assert prometheus.firing() == set()
        (detector,) = pipeline.of(Role.DETECT)
        pipeline.stop(detector)
        pipeline.wait_until(lambda: "LiqNoDetector" in prometheus.firing(NOW), RAISED_SECONDS)
        pipeline.start(Role.DETECT, "0", **detector.environment)
        pipeline.wait_until(lambda: not prometheus.firing(NOW), RAISED_SECONDS)
    run.end("quiet minutes, short restarts and an absent detector under Prometheus")
