"""A broker that stops answering under live producers: bounded memory, and no loss in silence."""

import json
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from liq.devstack.broker import NAME as BROKER
from liq.devstack.broker import EmbeddedBroker
from liq.devstack.broker_address import BrokerAddress
from liq.devstack.exchange.server import LocalExchange
from liq.devstack.ports import free_port
from liq.devstack.supervisor import Supervisor
from liq.producers.live.publisher import MAX_IN_FLIGHT_BYTES, MAX_IN_FLIGHT_FRAMES
from liq.schemas.vocabulary import FeedEvent
from tests.integration.producers.live.conftest import StartProcess, WaitUntil, worker_metric
from tests.support.feed_log import FeedLog

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

MIB = 1_048_576
FRAME_BYTES = 200_000
# The largest buffer that the kernel may give a connection stands last in its line.
KERNEL_LIMITS = (Path("/proc/sys/net/ipv4/tcp_rmem"), Path("/proc/sys/net/ipv4/tcp_wmem"))
IN_FLIGHT = "liq_producer_in_flight_records"

Frozen = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "broker-logs") as started:
        yield started


@pytest.fixture
def own_broker(supervisor: Supervisor, tmp_path: Path) -> EmbeddedBroker:
    return EmbeddedBroker(supervisor, tmp_path / "broker", free_port())


@pytest.fixture
def broker(own_broker: EmbeddedBroker) -> BrokerAddress:
    """Instead of the session's broker: one that may be stopped."""
    return own_broker.start()


@pytest.fixture
def frozen(supervisor: Supervisor) -> Frozen:
    @contextmanager
    def freeze() -> Iterator[None]:
        process_id = supervisor.process_id(BROKER)
        os.kill(process_id, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process_id, signal.SIGCONT)

    return freeze


def large_frame(number: int) -> str:
    return json.dumps({"number": number, "text": "x" * FRAME_BYTES})


def kernel_buffer_bytes() -> int:
    """What the kernel may buffer between exchange and producer; no backpressure passes before."""
    return sum(int(limit.read_text().split()[-1]) for limit in KERNEL_LIMITS if limit.exists())


def test_a_pause_of_the_broker_loses_nothing_and_memory_is_bounded(
    okx: LocalExchange,
    start_process: StartProcess,
    frozen: Frozen,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    worker = start_process(okx)
    okx.send(50)
    wait_until(lambda: len(log.frames("okx")) == 50)
    before = worker_metric(worker, "process_resident_memory_bytes")
    count = (5 * MAX_IN_FLIGHT_BYTES // 4 + kernel_buffer_bytes()) // FRAME_BYTES
    with frozen():
        published = [okx.publish(large_frame(number)) for number in range(count)]
        wait_until(at_rest(lambda: sum(each.done() for each in published)))
        assert worker_metric(worker, IN_FLIGHT) <= MAX_IN_FLIGHT_FRAMES
        held = worker_metric(worker, "process_resident_memory_bytes") - before
        assert not published[-1].done(), "the exchange is made to wait"
    for each in published:
        each.result(60)
    okx.send(5)
    wait_until(lambda: worker_metric(worker, "liq_frames_total{") == len(okx.ledger))
    assert worker.stop() == 0, worker.log
    assert held < 4 * MAX_IN_FLIGHT_BYTES
    assert set(log.frames("okx")) == set(okx.ledger)
    assert log.events() == [FeedEvent.CONNECTED]


def at_rest(count: Callable[[], int]) -> Callable[[], bool]:
    """Becomes true when a count is the same forty times in a row."""
    seen: deque[int] = deque(maxlen=40)

    def has_stopped() -> bool:
        seen.append(count())
        return len(seen) == seen.maxlen and len(set(seen)) == 1

    return has_stopped


def test_a_broker_that_stays_away_ends_the_process_and_the_gap_is_recorded_later(
    okx: LocalExchange,
    start_process: StartProcess,
    frozen: Frozen,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    worker = start_process(okx, ends_by_itself=True, PRODUCE_ACKNOWLEDGE_SECONDS="2")
    wait_until(lambda: okx.subscribers == 1)
    okx.send(50)
    wait_until(lambda: len(log.frames("okx")) == 50)
    with frozen():
        lost_from_ms = time.time_ns() // 1_000_000
        okx.send(20)
        lost_to_ms = time.time_ns() // 1_000_000
        assert worker.wait() == 69, worker.log
    assert "did not acknowledge a record" in worker.log
    assert "Traceback" not in worker.log
    again = start_process(okx)
    wait_until(lambda: log.has(FeedEvent.GAP))
    okx.send(5)
    assert again.stop() == 0
    [gap] = log.all_of(FeedEvent.GAP)
    assert gap.from_ms is not None
    assert gap.to_ms is not None
    assert gap.from_ms <= lost_from_ms
    assert gap.to_ms >= lost_to_ms
    assert set(log.frames("okx")) >= {*okx.ledger[:50], *okx.ledger[-5:]}


def test_a_stop_while_the_broker_is_away_says_that_something_is_missing(
    okx: LocalExchange,
    start_process: StartProcess,
    frozen: Frozen,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    worker = start_process(okx, PRODUCE_ACKNOWLEDGE_SECONDS="2")
    okx.send(5)
    wait_until(lambda: len(log.frames("okx")) == 5)
    with frozen():
        okx.send(5)
        wait_until(lambda: worker_metric(worker, IN_FLIGHT) >= 5)
        assert worker.stop() == 69, worker.log
    assert "the gap will be recorded" in worker.log


def test_a_broker_that_dies_and_comes_back_is_found_again(
    okx: LocalExchange,
    start_process: StartProcess,
    own_broker: EmbeddedBroker,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    worker = start_process(okx)
    okx.send(20)
    wait_until(lambda: len(log.frames("okx")) == 20)
    own_broker.stop()
    okx.send(20)
    wait_until(lambda: worker_metric(worker, IN_FLIGHT) >= 20)
    own_broker.start()
    wait_until(lambda: len(log.frames("okx")) == 40)
    assert worker.stop() == 0
    assert log.frames("okx") == okx.ledger
    assert log.events() == [FeedEvent.CONNECTED]
