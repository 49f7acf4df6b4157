"""Records that nobody of ours writes, transactions that abort, and floods that are refused."""

import pytest

from liq.runtime.settings import Settings
from tests.conftest import MakeSettings
from tests.faults.conftest import Run, StartRun, loops, now_ms
from tests.faults.pipeline import Role
from tests.support.worker_memory import limit_bytes, peak_bytes

ROUNDS = loops(10)
TRANSACTIONS = loops(10)
FLOODS = loops(10)
OPEN_SECONDS = 3.0

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(300 + 120 * ROUNDS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """A sink that stores whatever share of a batch is unreadable."""
    return make_settings(sink_max_rejected_share=1)


@pytest.mark.short_form
def test_foreign_records_on_every_topic_change_nothing(
    start_run: StartRun, settings: Settings
) -> None:
    run = start_run(settings)
    written = 0
    for _ in range(ROUNDS):
        fault_ms = now_ms()
        written += run.operations.write_foreign()
        run.recover(fault_ms)
    # State topics are read at a take-over.
    fault_ms = now_ms()
    run.pipeline.kill(run.pipeline.of(Role.DETECT)[0])
    run.recover(fault_ms)
    run.end("foreign records on every topic, in every compression", written)


@pytest.mark.short_form
def test_aborted_transactions_are_no_data(run: Run) -> None:
    for _ in range(TRANSACTIONS):
        fault_ms = now_ms()
        run.operations.abort_transaction(OPEN_SECONDS)
        run.recover(fault_ms)
    run.end("transactions of frames, events, alerts and states aborted", TRANSACTIONS)


@pytest.mark.short_form
def test_a_flood_of_refused_frames_is_kept_within_the_memory_of_containers(
    start_run: StartRun, settings: Settings
) -> None:
    run = start_run(settings)
    members = {"normalize": Role.NORMALIZE, "sink": Role.SINK}
    processes = {
        name: run.pipeline.process_id(run.pipeline.of(role)[0]) for name, role in members.items()
    }
    for _ in range(FLOODS):
        fault_ms = now_ms()
        run.operations.flood()
        run.recover(fault_ms)
    peaks = {name: peak_bytes(process) for name, process in processes.items()}
    verdict = run.end("floods of refused frames of a megabyte", FLOODS)
    assert verdict.unsent == 0
    assert all(peak <= limit_bytes(name) for name, peak in peaks.items()), peaks
