"""A pipeline under traffic moves to another cluster with MirrorMaker 2 (docs/drills.md)."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from liq.devstack.kafka.cluster import ApacheKafka
from liq.devstack.supervisor import Supervisor
from liq.runtime.settings import Settings
from tests.conftest import MakeSettings
from tests.faults.conftest import Run, now_ms
from tests.faults.drill_commands import Drill
from tests.faults.pipeline import Pipeline
from tests.support.drill_pages import blocks
from tests.support.pipeline_log import values

DRILL = "Move to another cluster"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(1200),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Supervisor]:
    """Owns the new cluster, the mirror and the new workers."""
    with Supervisor(tmp_path / "new-logs") as supervisor:
        yield supervisor


def cascade_steps(settings: Settings) -> dict[str, dict[str, str]]:
    """The alerts' types by cascade and alert id."""
    steps: dict[str, dict[str, str]] = defaultdict(dict)
    for value in values(settings, settings.topics.cascades):
        alert = orjson.loads(value)
        steps[alert["cascade_id"]][alert["alert_id"]] = alert["type"]
    return steps


def test_moving_to_another_cluster_loses_and_doubles_nothing(
    run: Run, make_settings: MakeSettings, beside: Supervisor, tmp_path: Path
) -> None:
    """Traffic never pauses; cascades that are open meanwhile go on under their ids."""
    cluster = ApacheKafka(beside, tmp_path / "new")
    settings = make_settings(kafka_bootstrap_servers=cluster.start().bootstrap_servers)
    old = run.pipeline
    new = Pipeline(settings, old.exchanges, beside)
    move = Drill({"old": old, "new": new}, beside, tmp_path)
    (properties,) = blocks(DRILL, "properties")
    move.write_properties(properties)
    begin, take_turns, end, go_on = blocks(DRILL)
    move.perform(begin)
    move.perform(take_turns)
    move.perform(end)
    move.stop_mirror()
    before = cascade_steps(old.settings)
    assert cascade_steps(settings) == before
    fault_ms = now_ms()
    move.perform(go_on)
    moved = Run(new, run.traffic, run.broker, run.chance)
    moved.recover(fault_ms)
    # The state of detectors is not copied: it is rebuilt, and marks what it goes on with.
    moved.operations.history.marked = True
    verdict = moved.end("moved to another cluster by MirrorMaker 2")
    assert verdict.unsent == 0
    after = cascade_steps(settings)
    assert [name for name in before if after[name].keys() - before[name].keys()]
