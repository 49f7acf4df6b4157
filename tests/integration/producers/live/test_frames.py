"""Frames of any content: what is forwarded, what closes a connection, and what memory it costs."""

import json
import struct
import zlib

import pytest

from liq.devstack.exchange.registry import DIALECTS
from liq.devstack.exchange.server import LocalExchange
from liq.schemas.headers import (
    CONNECTION,
    EXCHANGE,
    RECEIVED_AT_NS,
    SEQUENCE,
    integer_header,
    text_header,
)
from liq.schemas.vocabulary import FeedEvent
from tests.integration.producers.live.conftest import (
    OpenExchange,
    StartProcess,
    StartThread,
    WaitUntil,
    worker_metric,
)
from tests.support.feed_log import FeedLog

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

FRAMES = 50
MIB = 1_048_576


def test_every_dialect_is_subscribed_and_forwarded_byte_for_byte(
    open_exchange: OpenExchange, start_process: StartProcess, log: FeedLog, wait_until: WaitUntil
) -> None:
    exchanges = [open_exchange(each.exchange, each.feed) for each in DIALECTS]
    worker = start_process(*exchanges)
    for exchange in exchanges:
        wait_until(lambda of=exchange: of.subscribers == 1)
        exchange.send(FRAMES)
        if exchange.dialect.server_ping is not None:
            exchange.send_raw(exchange.dialect.encode(exchange.dialect.server_ping))
    for exchange in exchanges:
        pong = exchange.dialect.server_pong
        wait_until(lambda pong=pong, of=exchange: pong is None or pong in of.received)
    assert worker.stop() == 0, worker.log

    for exchange in exchanges:
        dialect = exchange.dialect
        records = log.records(dialect.exchange, dialect.feed)
        assert sorted(record.value for record in records) == sorted(exchange.ledger), dialect
        data = [record for record in records if record.value in exchange.ledger[-FRAMES:]]
        assert {record.key for record in data} == {dialect.symbol.encode()}, dialect
        assert {text_header(record.headers, EXCHANGE) for record in data} == {dialect.exchange}
        assert len({text_header(record.headers, CONNECTION) for record in data}) == 1
        # One symbol lives in one partition, where it keeps the order of sending.
        assert [record.value for record in data] == exchange.ledger[-FRAMES:]
        first, *rest = [integer_header(record.headers, SEQUENCE) or 0 for record in data]
        assert rest == list(range(first + 1, first + FRAMES))


def test_garbage_is_forwarded_for_the_normalizer_to_reject(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    producer = start_thread(okx)
    wait_until(lambda: okx.subscribers == 1)
    garbage: list[bytes | str] = [
        b"\xff\xfe",
        "{",
        "[[[",
        '{"arg": 5, "data": {}}',
        "null",
        "\0",
        "[" * 100_000,
    ]
    for frame in garbage:
        okx.send_raw(frame)
    okx.send(2)
    producer.stop()
    expected = [each if isinstance(each, bytes) else each.encode() for each in garbage]
    assert sorted(log.frames("okx")) == sorted([*expected, *okx.ledger])
    assert log.events() == [FeedEvent.CONNECTED]


@pytest.mark.parametrize("kind", ["plain", "unpacks to more"])
def test_an_oversize_frame_closes_the_connection_with_a_record_and_memory_stays_flat(
    kind: str,
    open_exchange: OpenExchange,
    start_process: StartProcess,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    htx = open_exchange("htx", "linear")
    others = [open_exchange("htx", name) for name in ("inverse", "futures")]
    worker = start_process(htx, *others)
    wait_until(lambda: htx.subscribers == 1)
    before = worker_metric(worker, "process_resident_memory_bytes")
    bomb = htx.dialect.encode(json.dumps("x" * (64 * MIB)))
    htx.send_raw(bytes(5 * MIB) if kind == "plain" else bomb)
    wait_until(lambda: log.has(FeedEvent.LOST, "oversize"))
    wait_until(lambda: htx.opened == 2 and htx.subscribers == 1)
    htx.send(3)
    assert worker_metric(worker, "process_resident_memory_bytes") < before + 16 * MIB
    assert worker_metric(worker, 'liq_feed_events_total{event="lost",exchange="htx"') == 1
    assert worker.stop() == 0
    assert log.frames("htx", "linear") == htx.ledger
    assert log.events("htx", "inverse") == [FeedEvent.CONNECTED]


def test_a_frame_that_is_compressed_without_being_asked_to_closes_the_connection(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    """Compression is not negotiated, so a compression bomb is never unpacked."""
    producer = start_thread(okx)
    wait_until(lambda: okx.subscribers == 1)
    bomb = zlib.compress(bytes(64 * MIB))
    okx.send_wire(struct.pack("!BBH", 0b1100_0001, 126, 60_000) + bomb[:60_000])
    wait_until(lambda: log.has(FeedEvent.LOST, "1002 (protocol error)"))
    wait_until(lambda: okx.subscribers == 1)
    okx.send(3)
    producer.stop()
    assert log.frames("okx") == okx.ledger


def test_heartbeats_keep_to_one_partition_and_never_run_ahead(
    okx: LocalExchange, start_thread: StartThread, log: FeedLog, wait_until: WaitUntil
) -> None:
    producer = start_thread(okx)
    wait_until(lambda: okx.subscribers == 1)
    sending = okx.start_sending(100_000, 0.002)
    wait_until(lambda: sum(map(len, log.heartbeats("okx").values())) >= 3)
    okx.is_enough = True
    sending.result(60)
    producer.stop()
    [heartbeats] = log.heartbeats("okx").values()
    times = [integer_header(record.headers, RECEIVED_AT_NS) or 0 for record in heartbeats]
    assert times == sorted(times)
    assert len(log.frames("okx")) == len(okx.ledger)
