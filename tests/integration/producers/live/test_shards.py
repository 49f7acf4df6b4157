"""Twins and shards as processes: connections that are cut, producers that are killed."""

import os
import signal
from collections import Counter

import pytest

from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds.shards import shard_number
from liq.schemas.headers import CONNECTION, RECEIVED_AT_NS, integer_header, text_header
from liq.schemas.records import FeedStatus
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import FeedEvent
from tests.conftest import Worker
from tests.integration.producers.live.conftest import OpenExchange, StartProcess, WaitUntil
from tests.support.feed_log import FeedLog

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

SYMBOLS = tuple(f"COIN{number}USDT" for number in range(8))
OLD_MS = 4_000


def kill(worker: Worker) -> None:
    os.kill(worker.process_id, signal.SIGKILL)
    worker.expect_end()


def beat_ms(log: FeedLog, exchange: str, name: str) -> list[int]:
    """Return the times of a producer's heartbeats."""
    return [
        (integer_header(each.headers, RECEIVED_AT_NS) or 0) // MILLISECOND_NS
        for beats in log.heartbeats(exchange).values()
        for each in beats
        if text_header(each.headers, CONNECTION) == name
    ]


def gaps(log: FeedLog) -> list[FeedStatus]:
    """Return the gaps of bybit's linear contracts; nobody serves its inverse ones here."""
    return [each for each in log.statuses("bybit", "linear") if each.event is FeedEvent.GAP]


def has_beaten_for_a_while(log: FeedLog, exchange: str, *names: str) -> bool:
    return all(
        times and times[-1] - times[0] > OLD_MS
        for times in (beat_ms(log, exchange, name) for name in names)
    )


@pytest.mark.slow
def test_a_connection_that_is_lost_while_its_twin_has_it_is_no_gap(
    open_exchange: OpenExchange, start_process: StartProcess, log: FeedLog, wait_until: WaitUntil
) -> None:
    # Two doors of one venue, so that one connection alone can be cut.
    one, other = open_exchange("okx", "public"), open_exchange("okx", "public")
    start_process(one, WORKER_SLOT="a")
    start_process(other, WORKER_SLOT="b")
    wait_until(lambda: has_beaten_for_a_while(log, "okx", "a", "b"))
    # The outage begins with the last sign of life, which may be older than the twin.
    one.send()
    wait_until(lambda: len(log.frames("okx")) == 1)
    one.cut()
    wait_until(lambda: log.has(FeedEvent.CONNECTED, "no gap: b received"))
    assert log.has(FeedEvent.LOST)
    assert not log.has(FeedEvent.GAP)
    # Neither received anything while both were away, and both say so.
    other.status = one.status = 503
    other.cut()
    one.cut()
    wait_until(lambda: {each.connection[:2] for each in log.all_of(FeedEvent.LOST)} == {"a:", "b:"})
    other.status = one.status = None
    wait_until(lambda: len(log.all_of(FeedEvent.GAP)) == 2)
    assert {each.connection[:2] for each in log.all_of(FeedEvent.GAP)} == {"a:", "b:"}


@pytest.mark.slow
def test_shards_receive_every_symbol_once_and_a_killed_one_has_a_gap_without_its_twin(
    open_exchange: OpenExchange, start_process: StartProcess, log: FeedLog, wait_until: WaitUntil
) -> None:
    bybit = open_exchange("bybit", "linear")
    bybit.list_markets(*SYMBOLS)
    bybit.is_selective = True

    def start(slot: str) -> Worker:
        return start_process(bybit, WORKER_SLOT=slot, PRODUCE_SHARDS="2")

    zero, one = start("produce-0"), start("produce-1")
    for symbol in SYMBOLS:
        bybit.send(5, symbol)
    wait_until(lambda: len(log.frames("bybit")) == len(bybit.ledger))
    assert sorted(log.frames("bybit")) == sorted(bybit.ledger)
    owners = Counter(
        (each.key.decode(), text_header(each.headers, CONNECTION).split(":")[0])
        for each in log.records("bybit")
    )
    assert owners == {
        (symbol, f"produce-{number}.{number}of2"): 5
        for symbol in SYMBOLS
        for number in [shard_number("bybit.linear", symbol, 2)]
    }

    # The other shard is no twin: what the killed one misses is a gap.
    kill(zero)
    zero = start("produce-0")
    wait_until(lambda: bool(gaps(log)))
    [gap] = gaps(log)
    assert gap.connection.startswith("produce-0.0of2:")

    twin = start("produce-2")
    kill(zero)
    before = len(set(log.frames("bybit")))
    for symbol in SYMBOLS:
        bybit.send(1, symbol)
    wait_until(lambda: len(set(log.frames("bybit"))) == before + len(SYMBOLS))
    zero = start("produce-0")
    assert [worker.stop() for worker in (zero, one, twin)] == [0, 0, 0]
    assert set(log.frames("bybit")) == set(bybit.ledger)
    assert gaps(log) == [gap]


def test_a_slot_without_a_number_has_no_shard(
    okx: LocalExchange, start_process: StartProcess
) -> None:
    refused = start_process(okx, ends_by_itself=True, WORKER_SLOT="alone", PRODUCE_SHARDS="2")
    assert refused.wait() == 78
    assert "WORKER_SLOT alone ends with no number" in " ".join(refused.log.split())
