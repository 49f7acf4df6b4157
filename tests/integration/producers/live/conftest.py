"""Local exchanges, and live producers that are connected to them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Protocol
from urllib.request import urlopen

import pytest
from prometheus_client import REGISTRY

from liq.devstack.exchange.registry import dialect
from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds.settings import Target
from liq.producers.live import Timing
from liq.runtime.settings import Settings
from tests.conftest import RunWorker, Worker
from tests.support.feed_log import FeedLog
from tests.support.live_producer import FAST, LiveProducer, target

OpenExchange = Callable[[str, str], LocalExchange]
WaitUntil = Callable[..., None]
CountSince = Callable[..., float]


class StartThread(Protocol):
    """Start a producer in a thread, with short times; exchanges give their plain targets."""

    def __call__(
        self,
        *chosen: LocalExchange | Target,
        timing: Timing = FAST,
        settings: Settings | None = None,
    ) -> LiveProducer: ...


class StartProcess(Protocol):
    """Start `liq produce` with its usual times, and wait until it is subscribed.

    One that `ends_by_itself` is not waited for, and may end.
    """

    def __call__(
        self, *exchanges: LocalExchange, ends_by_itself: bool = False, **environment: str
    ) -> Worker: ...


@pytest.fixture
def open_exchange() -> Iterator[OpenExchange]:
    with ExitStack() as stack:
        yield lambda exchange, feed: stack.enter_context(LocalExchange(dialect(exchange, feed)))


@pytest.fixture
def okx(open_exchange: OpenExchange) -> LocalExchange:
    return open_exchange("okx", "public")


@pytest.fixture
def bitmex(open_exchange: OpenExchange) -> LocalExchange:
    return open_exchange("bitmex", "liquidation")


@pytest.fixture
def log(settings: Settings) -> FeedLog:
    return FeedLog(settings)


@pytest.fixture
def start_thread(settings: Settings) -> Iterator[StartThread]:
    started: list[LiveProducer] = []
    usual = settings

    def start(
        *chosen: LocalExchange | Target, timing: Timing = FAST, settings: Settings | None = None
    ) -> LiveProducer:
        found = [target(each) if isinstance(each, LocalExchange) else each for each in chosen]
        started.append(LiveProducer(settings or usual, *found, timing=timing))
        return started[-1]

    yield start
    for producer in started:
        if producer.is_running:
            producer.stop()


@pytest.fixture
def start_process(run_worker: RunWorker, settings: Settings) -> StartProcess:
    def start(
        *exchanges: LocalExchange, ends_by_itself: bool = False, **environment: str
    ) -> Worker:
        for exchange in exchanges:
            environment |= exchange.environment
        names = dict.fromkeys(exchange.dialect.exchange for exchange in exchanges)
        return run_worker(
            "produce", *names, settings=settings, environment=environment, is_task=ends_by_itself
        )

    return start


@pytest.fixture
def count_since() -> CountSince:
    """How often feed events were counted since the test began, of a producer in a thread."""
    name = "liq_feed_events_total"
    [family] = [each for each in REGISTRY.collect() if each.name == name.removesuffix("_total")]
    before = {
        tuple(sorted(sample.labels.items())): sample.value
        for sample in family.samples
        if sample.name == name
    }

    def count(**labels: str) -> float:
        now = REGISTRY.get_sample_value(name, labels) or 0.0
        return now - before.get(tuple(sorted(labels.items())), 0.0)

    return count


def worker_metric(worker: Worker, name: str) -> float:
    """The first sample of a worker's metrics that begins with a text; 0 if there is none yet."""
    with urlopen(f"{worker.health_url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = [line.rpartition(" ")[2] for line in lines if line.startswith(name)]
    return float(found[0]) if found else 0.0
