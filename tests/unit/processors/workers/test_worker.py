"""What a Faust worker's watch reports from the worker's loop."""

from types import SimpleNamespace
from typing import Any

from faust.types import TP

from liq.processors.workers.worker import Watch
from liq.runtime.health import Health
from liq.runtime.metrics import CONSUMER_LAG, HANDLED
from liq.runtime.stall import CONDITION

PLACES = (TP("liquidations.events", 0), TP("liquidations.pulse", 0))


def test_the_lag_of_all_partitions_and_the_handled_records_are_the_progress() -> None:
    health = Health()
    lags = dict.fromkeys(PLACES, 20)
    app: Any = SimpleNamespace(consumer=SimpleNamespace(lags=lambda: lags))
    watch = Watch(app, health, "events and pulse")
    now = 0.0
    watch._progress._clock = lambda: now
    watch._report_lag()
    assert health.conditions[CONDITION].reason == "40 records of events and pulse wait"
    assert CONSUMER_LAG.labels("liquidations.pulse", 0)._value.get() == 20
    now = 61.0
    watch._report_lag()
    assert not health.ready
    HANDLED.add(1)
    watch._report_lag()
    assert health.ready


async def test_the_watch_beats_before_the_app_has_started() -> None:
    health = Health(last_beat=0.0)
    app: Any = SimpleNamespace(started=False)
    watch = Watch(app, health, "raw topics")
    async with watch:
        await watch.sleep(0)
    assert health.alive
