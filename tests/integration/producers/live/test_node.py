"""A node's files through processes that are killed: every line with a liquidation, once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from liq.devstack.exchange.server import LocalExchange
from liq.processors.normalizers import FrameMetadata, InstrumentBook, NormalizerConfig, normalize
from liq.runtime.settings import Settings
from liq.schemas.headers import CONNECTION, CURSOR, HEARTBEAT_KEY, text_header
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import FeedEvent
from tests.conftest import RunWorker, Worker
from tests.integration.producers.live.conftest import OpenExchange, WaitUntil
from tests.support import node_files
from tests.support.feed_log import FeedLog
from tests.support.node_files import append, block, both_fills, hour_file, liquidation_block

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

LARGEST_BLOCK = 11_279
CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))


@contextmanager
def node(tree: Path, first: int, last: int) -> Iterator[None]:
    """A process that writes blocks; killed at the end, within a line."""
    command = [sys.executable, node_files.__file__, str(tree), str(first), str(last)]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def venue(open_exchange: OpenExchange) -> LocalExchange:
    return open_exchange("hyperliquid", "userFills")


@pytest.fixture
def follow(
    run_worker: RunWorker, settings: Settings, venue: LocalExchange, tmp_path: Path
) -> Callable[..., Worker]:
    (tmp_path / "hourly").mkdir()
    return lambda slot="", start="oldest": run_worker(
        *("produce", "hyperliquid", "--node", str(tmp_path), "--node-from", start),
        settings=settings,
        environment=venue.environment | ({"WORKER_SLOT": slot} if slot else {}),
    )


def test_under_another_name_a_producer_begins_with_the_hour_of_the_last_one(
    follow: Callable[..., Worker], log: FeedLog, tmp_path: Path, wait_until: WaitUntil
) -> None:
    def frames() -> list[bytes]:
        return log.frames("hyperliquid", "nodeFills")

    tree = tmp_path / "hourly"
    written = [liquidation_block(number) for number in range(4)]
    append(hour_file(tree, 8), written[0])
    append(hour_file(tree, 9), written[1])
    first = follow("one")
    wait_until(lambda: len(frames()) == 2)
    kill(first)
    append(hour_file(tree, 9), *written[2:])
    follow("two", "newest")
    wait_until(lambda: len(frames()) == 5)
    assert sorted(frames()) == sorted([*written, written[1]])


def kill(worker: Worker) -> None:
    os.kill(worker.process_id, signal.SIGKILL)
    worker.expect_end()


def test_killed_nodes_and_producers_lose_and_double_nothing(
    follow: Callable[..., Worker], log: FeedLog, tmp_path: Path, wait_until: WaitUntil
) -> None:
    tree = tmp_path / "hourly"

    def frames() -> list[bytes]:
        return log.frames("hyperliquid", "nodeFills")

    first = follow()
    with node(tree, 0, 250):
        wait_until(lambda: len(frames()) >= 250)
    with node(tree, 230, 700):
        wait_until(lambda: len(frames()) >= 300)
        kill(first)
        second = follow()
        wait_until(lambda: len(frames()) >= 701)
    largest = block(
        700, [one for number in range(LARGEST_BLOCK) for one in both_fills(9_000 + number)]
    )
    append(hour_file(tree, 8), largest)
    wait_until(
        lambda: sum(frame.count(b'"crossed":true') for frame in frames()) >= LARGEST_BLOCK + 700
    )
    assert second.stop() == 0

    results = [
        result
        for frame in frames()
        for result in normalize(
            frame,
            FrameMetadata("hyperliquid", "nodeFills", 1_760_140_000_000),
            InstrumentBook(()),
            CONFIG,
        )
    ]
    events = [result.event_id for result in results if isinstance(result, Liquidation)]
    assert len(events) == len(set(events)) == LARGEST_BLOCK + 700
    # The line within which the first node was killed; the second's is not over yet.
    assert len(results) - len(events) == 1
    records = log.records("hyperliquid", "nodeFills")
    assert {record.key for record in records} == {HEARTBEAT_KEY}
    assert len({text_header(record.headers, CONNECTION) for record in records}) == 2
    assert text_header(records[-1].headers, CURSOR).startswith("time=")
    told = log.events("hyperliquid", "nodeFills")
    assert told == [FeedEvent.CONNECTED, FeedEvent.CONNECTED]
