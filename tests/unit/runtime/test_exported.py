"""Each kind of worker exports the metrics that its code can count, and no others."""

from importlib.metadata import version

import pytest
from prometheus_client import generate_latest
from prometheus_client.metrics import MetricWrapperBase

from liq.runtime import metrics
from liq.runtime.exported import ALL_METRICS, BUILD_INFO, OF_WORKER, worker_registry
from liq.sinks.registry import DestinationName
from tests.support.metrics_of_code import metrics_reached

# Each command: its workers, modules that it loads by name, and what it imports and never counts.
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], set[str]]] = {
    "produce": (("produce",), (), {"PENDING_BYTES"}),
    "reference": (
        ("reference",),
        (),
        {"FEED_HELD", "FEED_UNANSWERED", "PENDING_BYTES", "STALLED"},
    ),
    "backfill": (
        ("backfill",),
        (),
        {"FEED_HELD", "FEED_UNANSWERED", "PENDING_BYTES", "RATE_AGE"},
    ),
    "process": (("process-normalize", "process-detect"), (), set()),
    "sink": (
        tuple(f"sink-{name.value}" for name in DestinationName),
        tuple(f"liq.sinks.{name.value}.destination" for name in DestinationName),
        {"PENDING_BYTES", "RECORDS_OUT"},
    ),
    "notify": (("notify",), (), {"PENDING_BYTES", "RECORDS_OUT"}),
    "serve": (("serve",), (), {"PENDING_BYTES", "RECORDS_OUT"}),
    "replay": (("replay",), (), {"PENDING_BYTES"}),
}
#: They are computed when somebody asks.
COMPUTED = {"EVENTS_PER_SECOND", "ERROR_RATIO"}
NAMES = {
    name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_worker_exports_what_its_code_counts(command: str) -> None:
    workers, by_name, never = COMMANDS[command]
    reached = metrics_reached(f"liq.cli.commands.{command}", *by_name) & set(NAMES)
    exported = {
        name
        for name, metric in NAMES.items()
        if any(metric in OF_WORKER[worker] for worker in workers)
    }
    assert reached - exported == never
    assert exported - reached == COMPUTED


def test_every_command_and_every_metric_has_its_place() -> None:
    assert set(OF_WORKER) == {"rehearse", *(name for each in COMMANDS.values() for name in each[0])}
    assert set(NAMES.values()) | {BUILD_INFO} == set(ALL_METRICS)


def test_a_worker_shows_its_build_its_process_and_none_of_the_others_metrics() -> None:
    text = generate_latest(worker_registry("process-normalize")).decode()
    assert f'version="{version("liquidation-engine")}"' in text
    assert 'liq_build_info{python="3.' in text
    assert 'worker="process-normalize"' in text
    assert "process_resident_memory_bytes " in text
    assert "liq_sink" not in text
    assert "liq_notify" not in text
    # The next worker of the same process, as in tests, has one build too.
    text = generate_latest(worker_registry("notify")).decode()
    assert text.count("liq_build_info{") == 1
