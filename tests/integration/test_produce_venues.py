"""`liq produce` against a local exchange of every dialect, over sockets and a broker."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from liq.local_exchange.dialects import DIALECTS
from liq.local_exchange.server import LocalExchange
from runtime.settings import Settings
from schemas.headers import CONNECTION, EXCHANGE, FEED, SEQUENCE, integer_header, text_header
from tests.conftest import RunWorker
from tests.pipeline_log import read_topic

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

WaitUntil = Callable[[Callable[[], bool]], None]
FRAMES = 50


@pytest.fixture
def exchanges() -> Iterator[list[LocalExchange]]:
    with ExitStack() as stack:
        yield [stack.enter_context(LocalExchange(dialect)) for dialect in DIALECTS]


def frames_of(settings: Settings, exchange: LocalExchange) -> list[Any]:
    topic = settings.topics.raw(exchange.dialect.exchange)
    return [
        record
        for records in read_topic(settings, topic).values()
        for record in records
        if record.value is not None and text_header(record.headers, FEED) == exchange.dialect.feed
    ]


def test_every_dialect_is_subscribed_and_forwarded_byte_for_byte(
    settings: Settings,
    run_worker: RunWorker,
    exchanges: list[LocalExchange],
    wait_until: WaitUntil,
) -> None:
    environment = {
        name: text for exchange in exchanges for name, text in exchange.environment.items()
    }
    worker = run_worker("produce", settings=settings, environment=environment)
    for exchange in exchanges:
        wait_until(lambda exchange=exchange: exchange.subscribers == 1)
        exchange.send(FRAMES)
        if exchange.dialect.server_ping is not None:
            exchange.send_raw(exchange.dialect.encode(exchange.dialect.server_ping))
    for exchange in exchanges:
        pong = exchange.dialect.server_pong
        wait_until(lambda pong=pong, of=exchange: pong is None or pong in of.received)
    assert worker.stop() == 0, worker.log

    for exchange in exchanges:
        dialect = exchange.dialect
        records = frames_of(settings, exchange)
        assert sorted(record.value for record in records) == sorted(exchange.ledger), dialect
        data = [record for record in records if record.value in exchange.ledger[-FRAMES:]]
        assert {record.key for record in data} == {dialect.symbol.encode()}, dialect
        assert {text_header(record.headers, EXCHANGE) for record in data} == {dialect.exchange}
        assert len({text_header(record.headers, CONNECTION) for record in data}) == 1
        # One symbol lives in one partition, where it keeps the order of sending.
        assert [record.value for record in data] == exchange.ledger[-FRAMES:]
        sequences = [integer_header(record.headers, SEQUENCE) for record in data]
        assert sequences == list(range(sequences[0] or 0, (sequences[0] or 0) + FRAMES))
