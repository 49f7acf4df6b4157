"""Producers that are killed: one alone leaves a gap, two together leave nothing to be seen."""

import asyncio
import json
import os
import signal
from contextlib import closing
from itertools import pairwise

import pytest

from liq.devstack.exchange.server import LocalExchange
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import decode
from liq.schemas.headers import RECEIVED_AT_NS, integer_header
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import FeedEvent
from liq.sinks.clickhouse import migrations
from liq.sinks.clickhouse.client import connect
from tests.conftest import MakeSettings, RunWorker, Worker
from tests.integration.producers.live.conftest import OpenExchange, StartProcess, WaitUntil
from tests.support.feed_log import FeedLog
from tests.support.pipeline_log import run_offline, values

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

STORED = "SELECT event_id FROM liquidation_events"


def kill(worker: Worker) -> None:
    os.kill(worker.process_id, signal.SIGKILL)
    worker.expect_end()


def test_a_killed_producer_records_its_gap_when_it_is_back(
    okx: LocalExchange, start_process: StartProcess, log: FeedLog, wait_until: WaitUntil
) -> None:
    first = start_process(okx)
    okx.send(200)
    wait_until(lambda: len(log.frames("okx")) == 200)
    kill(first)
    wait_until(lambda: okx.subscribers == 0)
    missed = 7
    okx.send(missed)
    second = start_process(okx)
    okx.send(10)
    wait_until(lambda: log.has(FeedEvent.GAP))
    assert second.stop() == 0
    received = set(log.frames("okx"))
    assert set(okx.ledger) - received == set(okx.ledger[200 : 200 + missed])
    [gap] = log.all_of(FeedEvent.GAP)
    assert gap.from_ms is not None
    assert gap.to_ms is not None
    assert gap.from_ms < gap.to_ms


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.slow
def test_what_was_missing_when_a_producer_ended_lies_in_a_gap(
    okx: LocalExchange,
    start_process: StartProcess,
    log: FeedLog,
    wait_until: WaitUntil,
    number: signal.Signals,
) -> None:
    first = start_process(okx)
    okx.send(100)
    wait_until(lambda: len(log.frames("okx")) == 100)
    okx.status = 503
    okx.cut()
    wait_until(lambda: log.has(FeedEvent.LOST))
    [lost, *_] = log.all_of(FeedEvent.LOST)
    assert lost.from_ms is not None
    # It lives on, and says so, for long after the loss.
    beats = newest_heartbeat_ms(log)
    wait_until(lambda: newest_heartbeat_ms(log) > beats + 1_500)
    ended_ms = newest_heartbeat_ms(log)
    if number is signal.SIGKILL:
        kill(first)
    else:
        assert first.stop() == 0
        [gap] = log.all_of(FeedEvent.GAP)
        assert gap.from_ms == lost.from_ms
        assert (gap.to_ms or 0) >= ended_ms
    okx.status = None
    second = start_process(okx)
    wait_until(lambda: log.events("okx")[-1] is FeedEvent.GAP)
    assert second.stop() == 0
    gaps = log.all_of(FeedEvent.GAP)
    assert gaps[0].from_ms == lost.from_ms
    assert len(gaps) == (1 if number is signal.SIGKILL else 2)
    # Without a hole between them: a later life begins where the earlier one was known to end.
    assert all((b.from_ms or 0) <= (a.to_ms or 0) for a, b in pairwise(gaps))
    third = start_process(okx)
    wait_until(lambda: len(log.all_of(FeedEvent.GAP)) > len(gaps))
    assert third.stop() == 0
    assert (log.all_of(FeedEvent.GAP)[-1].from_ms or 0) > ended_ms, "what is told is not told again"


def newest_heartbeat_ms(log: FeedLog) -> int:
    [beats] = log.heartbeats("okx").values()
    return max((integer_header(each.headers, RECEIVED_AT_NS) or 0) for each in beats) // 1_000_000


@pytest.mark.usefixtures("clickhouse")
@pytest.mark.slow
def test_two_producers_one_killed_and_restarted_store_every_event_once(  # noqa: PLR0913, PLR0917 - fixtures
    open_exchange: OpenExchange,
    start_process: StartProcess,
    run_worker: RunWorker,
    make_settings: MakeSettings,
    log: FeedLog,
    wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXCHANGES", "binance")
    settings = make_settings()
    asyncio.run(ensure_topics(settings, ("binance",)))
    with closing(connect(settings, use_database=False)) as client:
        migrations.migrate(client, settings.clickhouse_database)
    workers = [
        run_worker("process", "normalize", settings=settings),
        run_worker("sink", "clickhouse", settings=settings),
    ]
    usdm, coinm = open_exchange("binance", "usdm"), open_exchange("binance", "coinm")
    first = start_process(usdm, coinm, WORKER_SLOT="a")
    start_process(usdm, coinm, WORKER_SLOT="b")
    wait_until(lambda: usdm.subscribers == 2)
    sending = usdm.start_sending(100_000, 0.005)
    wait_until(lambda: len(usdm.ledger) > 150)
    kill(first)
    start_process(usdm, coinm, WORKER_SLOT="a")
    wait_until(lambda: usdm.subscribers == 2)
    enough = len(usdm.ledger) + 150
    wait_until(lambda: len(usdm.ledger) > enough)
    usdm.is_enough = True
    sending.result(60)
    expected = event_ids_of(settings, usdm.ledger)
    assert len(expected) == len(usdm.ledger)

    with closing(connect(settings)) as client:
        wait_until(lambda: len(client.query(STORED).result_rows) >= len(expected))
        for worker in workers:
            assert worker.stop() == 0, worker.log
        stored = [row[0] for row in client.query(STORED).result_rows]
        gaps = client.query("SELECT count() FROM feeds FINAL WHERE event = 'gap'").result_rows
    assert sorted(stored) == sorted(expected)
    published = [
        decode(Liquidation, value).event_id for value in values(settings, settings.topics.events)
    ]
    assert len(published) > len(stored), "both producers brought the same frames"
    # The other producer covered the killed one: nobody missed anything, so there is no gap.
    assert gaps == [(0,)]
    assert not log.has(FeedEvent.GAP)


def event_ids_of(settings: Settings, frames: list[bytes]) -> set[str]:
    """What the offline normalizer makes of some frames."""
    lines = [
        json.dumps(
            {
                "received_at_ns": 1_783_000_001_000_000_000,
                "exchange": "binance",
                "feed": "usdm",
                "frame": frame.decode(),
            }
        )
        for frame in frames
    ]
    offline = run_offline(settings, "normalize", data="\n".join(lines).encode())
    assert offline.returncode == 0, offline.stderr
    return {decode(Liquidation, line).event_id for line in offline.stdout.splitlines()}
