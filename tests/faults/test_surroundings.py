"""Wrong clocks, other time zones, full temporary directories, and frames that nobody can read."""

import json
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from tests.faults.conftest import Run, StartRun, loops, now_ms
from tests.faults.pipeline import Role
from tests.faults.skew import skewed
from tests.faults.small_disk import SmallDisk
from tests.faults.traffic import okx_frame
from tests.support.clickhouse_server import Server, needs_server
from tests.support.pipeline_log import values

SKEWS = {Role.NORMALIZE: 3_600, Role.DETECT: -3_600, Role.SINK: 3_600}
ROUNDS = loops(20)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("broker"),
]


@pytest.mark.usefixtures("clickhouse")
def test_wrong_clocks_change_nothing(run: Run) -> None:
    for member in list(run.pipeline.members.values()):
        if member.role in SKEWS:
            run.pipeline.stop(member)
            run.pipeline.start(member.role, member.slot, **skewed(SKEWS[member.role]))
    run.recover(now_ms())
    run.end("clocks of workers off by an hour: normalize +, detect -, sink +")


@needs_server
def test_another_time_zone_changes_nothing(
    tmp_path: Path, start_run: StartRun, make_settings: MakeSettings
) -> None:
    zone = {"TZ": "Asia/Kolkata"}
    with Server(tmp_path / "clickhouse", zone) as server:
        run = start_run(make_settings(**server.settings), environment=zone)
        run.recover(now_ms())
        run.end("host's time zone Asia/Kolkata, everywhere")


@pytest.mark.usefixtures("clickhouse")
def test_a_full_disk_for_state_loses_nothing(
    tmp_path: Path, start_run: StartRun, make_settings: MakeSettings
) -> None:
    """State is in Kafka; what the engine's framework keeps in a directory is not needed."""
    with SmallDisk(tmp_path / "disk", 8) as disk:
        run = start_run(make_settings(), environment={"TMPDIR": str(disk.path)})
        disk.fill()
        for role in (Role.NORMALIZE, Role.DETECT):
            fault_ms = now_ms()
            run.pipeline.kill(run.pipeline.members[f"{role}-0"])
            run.recover(fault_ms)
        run.end("disk of the state directory full, workers killed")


def poison(number: int) -> list[str]:
    """Frames of one exchange that nobody can read, each wrong in another way."""
    good = json.loads(okx_frame(number, "", now_ms()))
    [data] = good["data"]
    [detail] = data["details"]
    bad_details = [
        detail | {field: value}
        for field, value in (
            ("sz", "NaN"), ("sz", "1e400"), ("sz", "-1"), ("sz", None), ("bkPx", "9" * 400),
            ("ts", "tomorrow"), ("ts", "-1"), ("side", "sideways"), ("posSide", {}),
        )
    ]  # fmt: skip
    frames = [
        *({**good, "data": [{**data, "details": [bad]}]} for bad in bad_details),
        {**good, "data": [{**data, "instId": "x" * 5_000}]},
        {**good, "data": [{**data, "details": "none"}]},
    ]
    return [json.dumps(frame) for frame in frames]


@pytest.mark.short_form
@pytest.mark.usefixtures("clickhouse")
def test_poison_frames_are_kept_and_good_ones_pass(run: Run) -> None:
    [okx] = [each for each in run.pipeline.exchanges if each.dialect.exchange == "okx"]
    sent = [frame for number in range(ROUNDS) for frame in poison(number)]
    fault_ms = now_ms()
    for frame in sent:
        okx.publish(frame).result()
        run.pipeline.pause(0.02)
    run.recover(fault_ms)
    verdict = run.end("poison frames among good ones", len(sent))
    topics = run.pipeline.settings.topics
    assert verdict.unsent == 0
    assert len(values(run.pipeline.settings, topics.rejected)) >= len(set(sent))
