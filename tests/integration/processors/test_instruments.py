"""Contract metadata on its topic, workers that follow it, and frames that waited for it."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.request import urlopen

import orjson
import pytest
from aiokafka.admin import RecordsToDelete

from liq.cli.commands.instruments import publish_contracts
from liq.devstack.stack import liq_command
from liq.processors.normalizers import load_snapshot
from liq.processors.workers.instrument_follower import age_days
from liq.producers.recorded.rejected import REBUILT_CONNECTION
from liq.runtime.kafka import new_admin, new_consumer, new_producer, start_consumer
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.headers import FrameHeaders, Retry, retry_header
from liq.schemas.records import Instrument, Rejected, RejectedEntry
from liq.schemas.vocabulary import ContractKind, RejectReason
from tests.conftest import RunWorker, worker_environment
from tests.support.pipeline_log import read_topic, run_offline, values

pytestmark = pytest.mark.integration

EXCHANGES = ("okx",)
WaitUntil = Callable[[Callable[[], bool]], None]
CLOSED_PROXY = "http://127.0.0.1:9"


def contract(symbol: str, size: str) -> Instrument:
    base = symbol.partition("-")[0]
    return Instrument(
        exchange="okx",
        native_symbol=symbol,
        base=base,
        quote="USDT",
        settle="USDT",
        contract=ContractKind.LINEAR,
        contract_size=Decimal(size),
        as_of="2026-10-01",
    )


def okx_frame(*symbols: str) -> bytes:
    return orjson.dumps(
        {
            "arg": {"channel": "liquidation-orders", "instType": "SWAP"},
            "data": [
                {
                    "instId": symbol,
                    "instType": "SWAP",
                    "details": [
                        {
                            "side": "sell",
                            "posSide": "long",
                            "bkPx": "2",
                            "sz": "3",
                            "ts": "1784000000000",
                        }
                    ],
                }
                for symbol in symbols
            ],
        }
    )


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", ",".join(EXCHANGES))
    made = make_settings()
    asyncio.run(ensure_topics(made, EXCHANGES))
    return made


def publish(settings: Settings, *frames: bytes, given_up: tuple[str, ...] = ()) -> None:
    """Publish raw frames; `given_up` are contracts that no listing had."""

    async def send() -> None:
        extra = [Retry(given_up, attempt=1, is_final=True).encode()] if given_up else []
        producer = new_producer(settings, "test")
        await producer.start()
        for sequence, frame in enumerate(frames):
            headers = FrameHeaders("okx", "public", 1_784_000_000_123_456_789, "test", sequence)
            await producer.send_and_wait(
                settings.topics.raw("okx"), frame, key=b"key", headers=[*headers.encode(), *extra]
            )
        await producer.stop()

    asyncio.run(send())


def documents(settings: Settings, topic: str) -> list[dict[str, Any]]:
    return [orjson.loads(value) for value in values(settings, topic)]


def replay_rejected(settings: Settings) -> bytes:
    run = run_offline(settings, "replay-rejected", "--reason", "unknown_instrument")
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.usefixtures("broker")
def test_a_worker_knows_what_the_topic_holds_before_its_first_frame(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    asyncio.run(publish_contracts(settings, [contract("AAA-USDT-SWAP", "0.5")]))
    publish(settings, okx_frame("AAA-USDT-SWAP"))
    worker = run_worker("process", "normalize", settings=settings)
    wait_until(lambda: len(values(settings, settings.topics.events)) == 1)
    [event] = documents(settings, settings.topics.events)
    assert (event["quantity"], event["value_usd"]) == ("1.5", "3.0")
    assert values(settings, settings.topics.rejected) == []
    with urlopen(f"{worker.health_url}/metrics") as answer:
        metrics = answer.read().decode()
    assert "liq_instruments_age_days" in metrics
    assert '"as_of": "2026-10-01"' in worker.log


@pytest.mark.usefixtures("broker")
def test_before_any_refresh_the_shipped_snapshot_is_used_and_its_age_is_said(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    publish(settings, okx_frame("BTC-USDT-SWAP"))
    worker = run_worker("process", "normalize", settings=settings)
    wait_until(lambda: len(values(settings, settings.topics.events)) == 1)
    age = age_days(load_snapshot())
    with urlopen(f"{worker.health_url}/metrics") as answer:
        assert f"liq_instruments_age_days {float(age)}" in answer.read().decode()
    assert f'"age_days": {age}' in worker.log
    assert values(settings, settings.topics.rejected) == []


@pytest.mark.usefixtures("broker")
def test_a_frame_with_an_unknown_contract_is_parked_with_its_key_bytes_and_headers(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    frame = okx_frame("BBB-USDT-SWAP", "BTC-USDT-SWAP", "CCC-USDT-SWAP", "BBB-USDT-SWAP")
    publish(settings, frame, b"not json")
    run_worker("process", "normalize", settings=settings)
    wait_until(lambda: len(values(settings, settings.topics.parked)) == 1)
    wait_until(lambda: len(values(settings, settings.topics.rejected)) == 1)
    [parked] = [
        record
        for records in read_topic(settings, settings.topics.parked).values()
        for record in records
    ]
    assert (parked.key, parked.value) == (b"okx:BBB-USDT-SWAP", frame)
    assert retry_header(parked.headers) == Retry(("BBB-USDT-SWAP", "CCC-USDT-SWAP"))
    assert ("raw_key", b"key") in parked.headers
    sent = FrameHeaders("okx", "public", 1_784_000_000_123_456_789, "test", 0).encode()
    assert list(parked.headers)[: len(sent)] == sent
    [event] = documents(settings, settings.topics.events)
    assert event["native_symbol"] == "BTC-USDT-SWAP"
    [rejected] = documents(settings, settings.topics.rejected)
    assert rejected["reason"] == "not_json"


@pytest.mark.usefixtures("broker")
def test_a_retried_frame_waits_for_the_metadata_that_it_names(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    """The frame is there before its contract; an offset that never comes delays it for a bound."""
    worker = run_worker("process", "normalize", settings=settings)

    async def send() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        for offset in (0, 1_000):
            retry = Retry(("HHH-USDT-SWAP",), attempt=1, offset=offset)
            headers = FrameHeaders("okx", "public", 1_784_000_000_123_456_789, "test", offset)
            await producer.send_and_wait(
                settings.topics.raw("okx"),
                okx_frame("HHH-USDT-SWAP"),
                key=b"key",
                headers=[*headers.encode(), retry.encode()],
            )
        await producer.stop()

    asyncio.run(send())
    asyncio.run(publish_contracts(settings, [contract("HHH-USDT-SWAP", "10")]))
    wait_until(lambda: len(values(settings, settings.topics.events)) == 2)
    assert {event["arrival"] for event in documents(settings, settings.topics.events)} == {
        "retried"
    }
    assert '"wanted_offset": 1000' in worker.log
    assert values(settings, settings.topics.parked) == []


@pytest.mark.usefixtures("broker")
def test_frames_of_a_contract_that_was_given_up_go_through_once_it_is_known(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    mixed = okx_frame("BBB-USDT-SWAP", "BTC-USDT-SWAP", "CCC-USDT-SWAP")
    given_up = ("BBB-USDT-SWAP", "CCC-USDT-SWAP")
    publish(settings, mixed, b"not json", okx_frame("BBB-USDT-SWAP"), given_up=given_up)
    worker = run_worker("process", "normalize", settings=settings)
    wait_until(lambda: len(values(settings, settings.topics.rejected)) == 3)
    assert documents(settings, settings.topics.events) == []

    refreshed = [contract("BBB-USDT-SWAP", "10"), contract("CCC-USDT-SWAP", "1")]
    asyncio.run(publish_contracts(settings, refreshed))
    wait_until(lambda: '"updated": 2' in worker.log)
    assert b"2 frames put through again" in replay_rejected(settings)
    wait_until(lambda: len(values(settings, settings.topics.events)) == 3)

    raw = [
        record
        for records in read_topic(settings, settings.topics.raw("okx")).values()
        for record in records
        if record.value != b"not json"
    ]
    assert len(raw) == 4
    assert len({(record.key, record.value, tuple(record.headers)) for record in raw}) == 2
    events = documents(settings, settings.topics.events)
    assert len({event["event_id"] for event in events}) == 2
    assert b"0 frames put through again" in replay_rejected(settings)
    assert len(values(settings, settings.topics.rejected)) == 3


def delete_raw_records(settings: Settings) -> None:
    """Delete every record of the raw topic, as its retention does."""

    async def delete() -> None:
        partitions = await find_partitions(settings, [settings.topics.raw("okx")])
        consumer = new_consumer(settings)
        await start_consumer(settings, consumer)
        try:
            ends = await consumer.end_offsets(partitions)
        finally:
            await consumer.stop()
        admin = new_admin(settings, "test")
        await admin.start()
        try:
            await admin.delete_records(
                {partition: RecordsToDelete(before_offset=end) for partition, end in ends.items()}
            )
        finally:
            await admin.close()

    asyncio.run(delete())


@pytest.mark.usefixtures("broker")
def test_a_frame_that_the_raw_topic_has_deleted_is_rebuilt(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    frame = okx_frame("EEE-USDT-SWAP", "FFF-USDT-SWAP")
    publish(settings, frame, given_up=("EEE-USDT-SWAP", "FFF-USDT-SWAP"))
    worker = run_worker("process", "normalize", settings=settings)
    wait_until(lambda: len(values(settings, settings.topics.rejected)) == 1)
    delete_raw_records(settings)
    assert values(settings, settings.topics.raw("okx")) == []

    refreshed = [contract("EEE-USDT-SWAP", "10"), contract("FFF-USDT-SWAP", "1")]
    asyncio.run(publish_contracts(settings, refreshed))
    wait_until(lambda: '"updated": 2' in worker.log)
    assert b"1 of them rebuilt" in b" ".join(replay_rejected(settings).split())
    wait_until(lambda: len(values(settings, settings.topics.events)) == 2)

    [rebuilt] = [
        record
        for records in read_topic(settings, settings.topics.raw("okx")).values()
        for record in records
    ]
    assert (rebuilt.key, rebuilt.value) == (b"EEE-USDT-SWAP", frame)
    received_at_ns = 1_784_000_000_123_000_000
    headers = FrameHeaders("okx", "public", received_at_ns, REBUILT_CONNECTION, 0)
    assert list(rebuilt.headers) == headers.encode()
    events = documents(settings, settings.topics.events)
    assert {event["native_symbol"]: event["quantity"] for event in events} == {
        "EEE-USDT-SWAP": "30",
        "FFF-USDT-SWAP": "3",
    }
    assert {event["received_at_ms"] for event in events} == {1_784_000_000_123}
    assert b"0 frames put through again" in replay_rejected(settings)


@pytest.mark.usefixtures("broker")
def test_frames_still_unknown_wait_for_the_next_run(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    publish(settings, okx_frame("DDD-USDT-SWAP"), given_up=("DDD-USDT-SWAP",))
    worker = run_worker("process", "normalize", settings=settings)
    wait_until(lambda: len(values(settings, settings.topics.rejected)) == 1)
    assert b"1 frames" in replay_rejected(settings)
    wait_until(lambda: len(values(settings, settings.topics.rejected)) == 2)
    asyncio.run(publish_contracts(settings, [contract("DDD-USDT-SWAP", "1")]))
    wait_until(lambda: '"updated": 1' in worker.log)
    assert b"1 frames" in replay_rejected(settings)
    wait_until(lambda: len(values(settings, settings.topics.events)) == 1)


@pytest.mark.usefixtures("broker")
def test_a_refresh_without_a_network_says_so_and_changes_nothing(settings: Settings) -> None:
    environment = {
        **os.environ,
        **worker_environment(settings),
        "HTTPS_PROXY": CLOSED_PROXY,
        "https_proxy": CLOSED_PROXY,
        "NO_PROXY": "",
        "no_proxy": "",
    }
    command = liq_command("instruments", "refresh", "--exchange", "okx", "--exchange", "bitmex")
    run = subprocess.run(command, capture_output=True, env=environment, timeout=100, check=False)
    assert run.returncode == 69, run.stderr
    said = b" ".join(run.stderr.split())
    assert b"okx did not list its contracts" in said
    assert b"bitmex did not list its contracts" in said
    assert values(settings, settings.topics.instruments) == []


@pytest.mark.usefixtures("broker")
def test_a_frame_goes_through_again_for_the_reason_of_any_of_its_entries(
    settings: Settings,
) -> None:
    frame = okx_frame("GGG-USDT-SWAP")
    unknown = RejectReason.UNKNOWN_INSTRUMENT

    def rejection(*reasons: RejectReason) -> bytes:
        entries = tuple(RejectedEntry(number, each, "") for number, each in enumerate(reasons))
        first = reasons[0]
        return encode(
            Rejected(
                reason=first,
                detail="",
                exchange="okx",
                feed="public",
                received_at_ms=1_784_000_000_123,
                payload=frame,
                entries=entries,
            )
        )

    async def send() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        for reasons in ([RejectReason.INVALID_SIDE, unknown], [RejectReason.INVALID_SIDE] * 2):
            await producer.send_and_wait(settings.topics.rejected, rejection(*reasons))
        await producer.stop()

    asyncio.run(send())
    assert b"1 of them rebuilt" in b" ".join(replay_rejected(settings).split())
    assert values(settings, settings.topics.raw("okx")) == [frame]
