"""`liq produce` while its exchange misbehaves: what is recorded, and that nothing is lost."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from urllib.request import urlopen

import pytest

from liq.local_exchange.dialects import dialect
from liq.local_exchange.server import LocalExchange
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.codec import decode
from schemas.headers import FEED, HEARTBEAT_KEY, RECEIVED_AT_NS, integer_header, text_header
from schemas.records import FeedStatus, Liquidation
from schemas.vocabulary import FeedEvent
from tests.conftest import RunWorker, Worker
from tests.pipeline_log import read_topic, run_offline, values

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

WaitUntil = Callable[..., None]
OpenExchange = Callable[[str, str], LocalExchange]
MIB = 1_048_576


@pytest.fixture
def open_exchange() -> Iterator[OpenExchange]:
    with ExitStack() as stack:
        yield lambda exchange, feed: stack.enter_context(LocalExchange(dialect(exchange, feed)))


@pytest.fixture
def start(run_worker: RunWorker, settings: Settings) -> Callable[..., Worker]:
    def run(*exchanges: LocalExchange, **changes: str) -> Worker:
        environment = dict(changes)
        for exchange in exchanges:
            environment |= exchange.environment
        names = dict.fromkeys(exchange.dialect.exchange for exchange in exchanges)
        return run_worker("produce", *names, settings=settings, environment=environment)

    return run


def statuses(settings: Settings, feed: str | None = None) -> list[FeedStatus]:
    found = [decode(FeedStatus, value) for value in values(settings, settings.topics.feeds)]
    return [record for record in found if feed in {None, record.feed}]


def has(settings: Settings, event: FeedEvent, word: str = "") -> bool:
    return any(record.event is event and word in record.detail for record in statuses(settings))


def frames(settings: Settings, exchange: str, feed: str = "") -> list[bytes]:
    topic = settings.topics.raw(exchange)
    return [
        record.value
        for records in read_topic(settings, topic).values()
        for record in records
        if record.value is not None and text_header(record.headers, FEED).startswith(feed)
    ]


def metrics(worker: Worker) -> str:
    with urlopen(f"{worker.health_url}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_a_refused_subscription_is_recorded_and_does_not_touch_other_exchanges(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    okx, bitmex = open_exchange("okx", "public"), open_exchange("bitmex", "liquidation")
    bitmex.refused = frozenset({"liquidation"})
    worker = start(okx, bitmex)
    wait_until(lambda: has(settings, FeedEvent.REFUSED, "Unknown table"))
    wait_until(lambda: okx.subscribers == 1)
    okx.send(20)
    assert "liq_feed_connections" in metrics(worker)
    bitmex.refused = frozenset()
    wait_until(lambda: bitmex.subscribers == 1)
    bitmex.send(20)
    wait_until(lambda: has(settings, FeedEvent.GAP))
    assert worker.stop() == 0
    assert frames(settings, "okx") == okx.ledger
    assert frames(settings, "bitmex") == bitmex.ledger
    assert {record.exchange for record in statuses(settings)} == {"okx", "bitmex"}
    assert [r.event for r in statuses(settings, "public")] == [FeedEvent.CONNECTED]
    assert statuses(settings, "liquidation")[-1].event is FeedEvent.GAP


def test_one_bad_symbol_is_left_out_and_named(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    bybit = open_exchange("bybit", "linear")
    bybit.refused = frozenset({"S3USDT"})
    names = ",".join(["BTCUSDT", *(f"S{number}USDT" for number in range(9))])
    inverse = open_exchange("bybit", "inverse")
    worker = start(bybit, inverse, BYBIT_LINEAR_SYMBOLS=names)
    wait_until(lambda: has(settings, FeedEvent.REFUSED, "S3USDT"))
    wait_until(lambda: has(settings, FeedEvent.CONNECTED, "9 subscriptions"))
    bybit.send(5)
    assert worker.stop() == 0
    assert frames(settings, "bybit", "linear") == bybit.ledger
    [refused] = [r for r in statuses(settings) if r.event is FeedEvent.REFUSED]
    assert refused.detail == "S3USDT: bad topic"


def test_an_unanswered_subscription_is_refused_after_ten_seconds(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    okx, bitmex = open_exchange("okx", "public"), open_exchange("bitmex", "liquidation")
    okx.is_mute = True
    worker = start(okx, bitmex)
    wait_until(lambda: has(settings, FeedEvent.REFUSED, "not acknowledged within 10 s"))
    okx.is_mute = False
    wait_until(lambda: okx.subscribers == 1)
    assert worker.stop() == 0
    refused = [r for r in statuses(settings) if r.event is FeedEvent.REFUSED]
    assert {record.exchange for record in refused} == {"okx"}
    assert refused[0].detail.startswith("SWAP, FUTURES: ")


def test_a_cut_connection_is_a_loss_and_a_gap(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    okx = open_exchange("okx", "public")
    worker = start(okx)
    okx.send(120)
    okx.repeats = True
    okx.cut()
    wait_until(lambda: okx.opened == 2 and okx.subscribers == 1)
    okx.send(10)
    wait_until(lambda: has(settings, FeedEvent.GAP))
    assert worker.stop() == 0
    events = [record.event for record in statuses(settings)]
    assert events == [FeedEvent.CONNECTED, FeedEvent.LOST, FeedEvent.CONNECTED, FeedEvent.GAP]
    gap = statuses(settings)[-1]
    assert gap.from_ms is not None
    assert gap.to_ms is not None
    assert gap.from_ms < gap.to_ms
    received = frames(settings, "okx")
    # The hundred repeated frames are there a second time; nothing is missing.
    assert len(received) == 230
    assert set(received) == set(okx.ledger)


def test_a_half_open_connection_is_noticed_by_its_pings(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    bitmex = open_exchange("bitmex", "liquidation")
    worker = start(bitmex)
    bitmex.send(5)
    bitmex.blackhole()
    wait_until(lambda: bitmex.subscribers == 1)
    bitmex.send(5)
    wait_until(lambda: has(settings, FeedEvent.GAP))
    assert worker.stop() == 0
    assert has(settings, FeedEvent.LOST, "half-open")
    assert frames(settings, "bitmex") == bitmex.ledger


@pytest.mark.parametrize("kind", ["plain", "gzip bomb"])
def test_an_oversize_frame_closes_the_connection_with_a_record(
    kind: str,
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    htx, names = open_exchange("htx", "linear"), ("inverse", "futures")
    worker = start(htx, *(open_exchange("htx", name) for name in names))
    wait_until(lambda: htx.subscribers == 1)
    bomb = "x" * (64 * MIB)
    htx.send_raw(bytes(5 * MIB) if kind == "plain" else htx.dialect.encode(bomb))
    wait_until(lambda: has(settings, FeedEvent.LOST, "oversize"))
    wait_until(lambda: htx.opened == 2 and htx.subscribers == 1)
    htx.send(3)
    memory = next(
        float(line.split()[1])
        for line in metrics(worker).splitlines()
        if line.startswith("process_resident_memory_bytes")
    )
    assert worker.stop() == 0
    assert memory < 200 * MIB
    assert frames(settings, "htx", "linear") == htx.ledger


def test_a_storm_of_cut_connections_opens_the_breaker(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    okx, bitmex = open_exchange("okx", "public"), open_exchange("bitmex", "liquidation")
    okx.status = 429
    worker = start(okx, bitmex)
    wait_until(lambda: has(settings, FeedEvent.STORM, "HTTP 429"))
    [storm] = [r for r in statuses(settings) if r.event is FeedEvent.STORM]
    assert "next attempt in 60 s" in storm.detail
    assert 'liq_feed_circuit_breaker{exchange="okx",state="open"} 1.0' in metrics(worker)
    assert 'liq_feed_connections{exchange="bitmex",feed="liquidation"} 1.0' in metrics(worker)
    bitmex.send(3)
    assert worker.stop() == 0
    assert frames(settings, "bitmex") == bitmex.ledger


def test_garbage_is_forwarded_for_the_normalizer_to_reject(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
) -> None:
    okx = open_exchange("okx", "public")
    worker = start(okx)
    garbage = [b"\xff\xfe", "{", "[[[", '{"arg": 5, "data": {}}', "null"]
    for frame in garbage:
        okx.send_raw(frame)
    okx.send(2)
    assert worker.stop() == 0
    expected = [each if isinstance(each, bytes) else each.encode() for each in garbage]
    assert sorted(frames(settings, "okx")) == sorted([*expected, *okx.ledger])
    assert [r.event for r in statuses(settings)] == [FeedEvent.CONNECTED]


def test_heartbeats_keep_to_one_partition_and_never_run_ahead(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    okx = open_exchange("okx", "public")
    worker = start(okx)
    topic = settings.topics.raw("okx")

    def heartbeats() -> dict[int, list[int]]:
        return {
            partition: times
            for partition, records in read_topic(settings, topic).items()
            if (
                times := [
                    integer_header(record.headers, RECEIVED_AT_NS) or 0
                    for record in records
                    if record.value is None and record.key == HEARTBEAT_KEY
                ]
            )
        }

    wait_until(lambda: sum(map(len, heartbeats().values())) >= 3)
    assert worker.stop() == 0
    [times] = heartbeats().values()
    assert times == sorted(times)


def killed(worker: Worker) -> None:
    os.kill(worker.process_id, signal.SIGKILL)
    worker.expect_end()


def test_a_killed_producer_records_its_gap_when_it_is_back(
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
) -> None:
    okx = open_exchange("okx", "public")
    first = start(okx)
    okx.send(200)
    wait_until(lambda: len(frames(settings, "okx")) == 200)
    killed(first)
    wait_until(lambda: okx.subscribers == 0)
    missed = 7
    okx.send(missed)
    second = start(okx)
    okx.send(10)
    wait_until(lambda: has(settings, FeedEvent.GAP))
    assert second.stop() == 0
    received = set(frames(settings, "okx"))
    assert set(okx.ledger) - received == set(okx.ledger[200 : 200 + missed])
    [gap] = [r for r in statuses(settings) if r.event is FeedEvent.GAP]
    assert gap.from_ms is not None
    assert gap.to_ms is not None
    assert gap.from_ms < gap.to_ms


def test_two_producers_one_killed_and_restarted_give_every_event_once(  # noqa: PLR0913, PLR0917 - fixtures
    open_exchange: OpenExchange,
    start: Callable[..., Worker],
    settings: Settings,
    wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch,
    run_worker: RunWorker,
) -> None:
    binance = open_exchange("binance", "usdm")
    others = open_exchange("binance", "coinm")
    monkeypatch.setenv("EXCHANGES", "binance")
    settings = settings.model_copy(update={"exchanges": ("binance",)})
    asyncio.run(ensure_topics(settings, ("binance",)))
    normalizer = run_worker("process", "normalize", settings=settings)
    first = start(binance, others, WORKER_SLOT="a")
    start(binance, others, WORKER_SLOT="b")
    wait_until(lambda: binance.subscribers == 2)
    sending: Future[None] = binance.start_sending(600, 0.01)
    wait_until(lambda: len(binance.ledger) > 150)
    killed(first)
    wait_until(lambda: len(binance.ledger) > 300)
    start(binance, others, WORKER_SLOT="a")
    sending.result(60)
    wait_until(lambda: set(frames(settings, "binance", "usdm")) == set(binance.ledger))

    def event_ids() -> set[str]:
        found = values(settings, settings.topics.events)
        return {decode(Liquidation, value).event_id for value in found}

    wait_until(lambda: len(event_ids()) >= 600)
    assert normalizer.stop() == 0
    lines = b"".join(
        b'{"received_at_ns":1783000001000000000,"exchange":"binance","feed":"usdm","frame":%s}\n'
        % json_string(frame)
        for frame in binance.ledger
    )
    offline = run_offline(settings, "normalize", data=lines)
    expected = {decode(Liquidation, line).event_id for line in offline.stdout.splitlines()}
    assert len(expected) == 600
    assert event_ids() == expected
    # The other producer covered the killed one: nobody missed anything, so there is no gap.
    assert not has(settings, FeedEvent.GAP)


def json_string(frame: bytes) -> bytes:
    return json.dumps(frame.decode()).encode()
