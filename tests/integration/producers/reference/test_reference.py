"""`liq reference` with a list of contracts on this machine: unknown contracts, and bad listings."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import pytest

from liq.processors.normalizers import load_snapshot
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import RETRY, FrameHeaders, Headers, retry_header
from tests.conftest import RunWorker, Worker
from tests.support.contract_server import ContractServer
from tests.support.pipeline_log import read_topic, values

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

EXCHANGES: Final = ("okx",)
RECEIVED_AT_NS: Final = 1_784_000_000_123_456_789
WaitUntil = Callable[..., None]


def okx_frame(*symbols: str, size: int = 3) -> bytes:
    detail = {
        "side": "sell",
        "posSide": "long",
        "bkPx": "2",
        "sz": str(size),
        "ts": "1784000000000",
    }
    rows = [{"instId": name, "instType": "SWAP", "details": [detail]} for name in symbols]
    return orjson.dumps({"arg": {"channel": "liquidation-orders"}, "data": rows})


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", ",".join(EXCHANGES))
    made = make_settings()
    asyncio.run(ensure_topics(made, EXCHANGES))
    return made


@pytest.fixture
def server() -> Iterator[ContractServer]:
    with ContractServer() as running:
        yield running


def publish(settings: Settings, *frames: bytes, extra: Headers = ()) -> None:
    async def send() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        for sequence, frame in enumerate(frames):
            headers = FrameHeaders("okx", "public", RECEIVED_AT_NS + sequence, "test", sequence)
            await producer.send_and_wait(
                settings.topics.raw("okx"),
                frame,
                key=b"key%d" % sequence,
                headers=[*headers.encode(), *extra],
            )
        await producer.stop()

    asyncio.run(send())


def documents(settings: Settings, topic: str) -> list[dict[str, Any]]:
    return [orjson.loads(value) for value in values(settings, topic)]


def readiness(worker: Worker) -> dict[str, Any]:
    """The body, which says the same when the worker is not ready."""
    try:
        with urlopen(f"{worker.health_url}/readyz", timeout=10) as answer:
            body = answer.read()
    except HTTPError as error:
        body = error.read()
    found: dict[str, Any] = orjson.loads(body)
    return found


def is_listed(worker: Worker) -> bool:
    """Whether the worker has listed OKX since its start."""
    condition = readiness(worker)["conditions"].get("contracts.okx", {"reason": ""})
    return ", listed " in condition["reason"]


def metrics(worker: Worker) -> str:
    with urlopen(f"{worker.health_url}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_a_frame_of_an_unknown_contract_is_retried_once_it_is_listed(
    settings: Settings, server: ContractServer, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    reference = run_worker("reference", settings=settings, environment=server.environment)
    wait_until(lambda: is_listed(reference))
    server.add("NEW-USDT-SWAP")
    run_worker("process", "normalize", settings=settings)
    frame = okx_frame("NEW-USDT-SWAP", "BTC-USDT-SWAP", "NEW-USDT-SWAP")
    publish(settings, frame)
    wait_until(lambda: len(values(settings, settings.topics.events)) == 3)

    events = documents(settings, settings.topics.events)
    arrivals = {(event["native_symbol"], event["arrival"]) for event in events}
    assert arrivals == {("BTC-USDT-SWAP", "live"), ("NEW-USDT-SWAP", "retried")}
    assert len({event["event_id"] for event in events}) == 3
    assert {event["received_at_ms"] for event in events} == {RECEIVED_AT_NS // 1_000_000}
    assert all(event["contract_version"] for event in events)
    assert values(settings, settings.topics.rejected) == []

    raw = [
        record
        for records in read_topic(settings, settings.topics.raw("okx")).values()
        for record in records
    ]
    first, again = sorted(raw, key=lambda record: len(record.headers))
    assert (again.key, again.value) == (first.key, first.value)
    assert [each for each in again.headers if each[0] != RETRY] == list(first.headers)
    retry = retry_header(again.headers)
    assert retry is not None
    assert (retry.contracts, retry.attempt, retry.is_final) == (("NEW-USDT-SWAP",), 1, False)
    assert 'liq_retried_total{exchange="okx",result="listed"} 1.0' in metrics(reference)


def test_a_contract_that_no_listing_has_is_rejected_with_its_bytes(
    settings: Settings, server: ContractServer, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    run_worker("process", "normalize", settings=settings)
    reference = run_worker("reference", settings=settings, environment=server.environment)
    wait_until(lambda: is_listed(reference))
    server.add("NEW-USDT-SWAP")
    frame = okx_frame("GONE-USDT-SWAP", "NEW-USDT-SWAP")
    publish(settings, frame)
    wait_until(lambda: len(values(settings, settings.topics.rejected)) == 1)
    [rejected] = documents(settings, settings.topics.rejected)
    assert rejected["reason"] == "unknown_instrument"
    assert "GONE-USDT-SWAP" in rejected["detail"]
    wait_until(lambda: len(values(settings, settings.topics.events)) == 1)
    [event] = documents(settings, settings.topics.events)
    assert (event["native_symbol"], event["arrival"]) == ("NEW-USDT-SWAP", "retried")
    assert server.requests <= 6


def test_a_listing_that_is_not_believed_is_told_and_changes_nothing(
    settings: Settings, server: ContractServer, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    server.add("NEW-USDT-SWAP")
    environment = server.environment | {"REFERENCE_LISTING_SECONDS": "1"}
    worker = run_worker("reference", settings=settings, environment=environment)
    wait_until(lambda: len(values(settings, settings.topics.instruments)) == 2)
    server.swaps["NEW-USDT-SWAP"]["ctVal"] = "1e30"
    wait_until(lambda: len(values(settings, settings.topics.feeds)) >= 1)
    [told, *_] = documents(settings, settings.topics.feeds)
    assert (told["exchange"], told["feed"], told["event"]) == ("okx", "contracts", "refused")
    assert "NEW-USDT-SWAP" in told["detail"]

    server.swaps["NEW-USDT-SWAP"]["ctVal"] = "0.5"
    wait_until(lambda: len(values(settings, settings.topics.instruments)) == 3)
    [*_, version] = documents(settings, settings.topics.instruments)
    assert version["contract_size"] == "0.5"
    assert version["valid_from_ms"] > RECEIVED_AT_NS // 1_000_000

    server.swaps.clear()
    wait_until(lambda: any("no contract" in each["detail"] for each in
                           documents(settings, settings.topics.feeds)))  # fmt: skip
    assert len(values(settings, settings.topics.instruments)) == 3
    assert readiness(worker)["ready"]
    assert 'liq_contract_listings_total{exchange="okx",result="refused"}' in metrics(worker)


def test_without_a_network_the_snapshot_serves_and_its_age_is_said(
    settings: Settings, server: ContractServer, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    server.status = 503
    worker = run_worker("reference", settings=settings, environment=server.environment)
    wait_until(lambda: '"contracts_not_listed"' in worker.log)
    newest = max(one.as_of for one in load_snapshot().all() if one.exchange == "okx")
    found = readiness(worker)
    assert found["ready"]
    reason = found["conditions"]["contracts.okx"]["reason"]
    assert "not listed since the start" in reason
    assert newest in reason
    assert 'liq_contract_listing_age_seconds{exchange="okx"}' in metrics(worker)
    normalizer = run_worker("process", "normalize", settings=settings)
    publish(settings, okx_frame("BTC-USDT-SWAP"))
    wait_until(lambda: len(values(settings, settings.topics.events)) == 1)
    assert "days old" in readiness(normalizer)["conditions"]["contracts"]["reason"]


def test_an_address_that_is_none_ends_the_start_with_a_sentence(
    settings: Settings, run_worker: RunWorker
) -> None:
    environment = {"OKX_SWAP_CONTRACTS_URL": "nowhere"}
    worker = run_worker("reference", settings=settings, environment=environment, is_task=True)
    assert worker.wait() == 78
    assert "OKX_SWAP_CONTRACTS_URL=nowhere is not an address" in worker.log


def test_a_record_that_is_no_parked_frame_is_rejected_and_the_next_one_read(
    settings: Settings, server: ContractServer, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    async def send() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        await producer.send_and_wait(settings.topics.parked, b"stray", key=b"x")
        await producer.send_and_wait(settings.topics.parked, None, key=b"x")
        await producer.stop()

    asyncio.run(send())
    server.add("NEW-USDT-SWAP")
    publish(settings, okx_frame("NEW-USDT-SWAP"))
    run_worker("process", "normalize", settings=settings)
    run_worker("reference", settings=settings, environment=server.environment)
    wait_until(lambda: len(values(settings, settings.topics.events)) == 1)
    wait_until(lambda: len(values(settings, settings.topics.rejected)) == 2)
    stages = {each["stage"] for each in documents(settings, settings.topics.rejected)}
    assert stages == {"reference"}


@pytest.mark.slow
def test_kills_lose_nothing_and_double_nothing(
    settings: Settings, server: ContractServer, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    symbols = [f"N{number}-USDT-SWAP" for number in range(40)]
    frames = [
        okx_frame(symbol, "BTC-USDT-SWAP", size=number + 1)
        for number, symbol in enumerate(symbols * 5)
    ]

    # Three listings without a contract end the wait for it, and a busy machine takes seconds.
    environment = {**server.environment, "REFERENCE_ASK_SECONDS": "8"}

    def start(stage: str) -> Worker:
        arguments = ("reference",) if stage == "reference" else ("process", "normalize")
        return run_worker(*arguments, settings=settings, environment=environment)

    def kill(worker: Worker) -> None:
        os.kill(worker.process_id, signal.SIGKILL)
        worker.expect_end()

    workers = {stage: start(stage) for stage in ("reference", "normalize")}
    publish(settings, *frames)
    wait_until(lambda: len(values(settings, settings.topics.parked)) >= 50)
    kill(workers["normalize"])
    server.add(*symbols)
    wait_until(lambda: len(values(settings, settings.topics.instruments)) >= 5)
    kill(workers["reference"])
    workers = {stage: start(stage) for stage in ("reference", "normalize")}
    wait_until(lambda: len(values(settings, settings.topics.events)) >= len(frames) + 20)
    kill(workers["reference"])
    kill(workers["normalize"])
    for stage in workers:
        start(stage)
    wait_until(lambda: len(distinct(settings)) == 2 * len(frames))
    events = distinct(settings)
    waited = [event for event in events if event["native_symbol"] in symbols]
    assert len(waited) == len(frames)
    assert values(settings, settings.topics.rejected) == []


def distinct(settings: Settings) -> list[dict[str, Any]]:
    """Every event once; repeats say the same but for how and in which raw record they came.

    A normalizer that was killed reads again, as live, a frame that was parked before its end.
    """
    found: dict[str, dict[str, Any]] = {}
    for event in documents(settings, settings.topics.events):
        plain = {**event, "source": None, "arrival": None}
        assert found.setdefault(event["event_id"], plain) == plain
    return list(found.values())


def test_a_rehearsal_with_unknown_contracts_ends_with_nothing_rejected(
    settings: Settings,
    server: ContractServer,
    run_worker: RunWorker,
    wait_until: WaitUntil,
    tmp_path: Path,
) -> None:
    symbols = [f"R{number}-USDT-SWAP" for number in range(10)]
    lines = [
        {
            "received_at_ns": RECEIVED_AT_NS + number * 1_000_000,
            "exchange": "okx",
            "feed": "public",
            "frame": okx_frame(symbols[number % 10], size=number + 1).decode(),
        }
        for number in range(100)
    ]
    capture = tmp_path / "capture.jsonl"
    capture.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    server.add(*symbols)
    run_worker("process", "normalize", settings=settings)
    run_worker("reference", settings=settings, environment=server.environment)
    task = run_worker("rehearse", str(capture), settings=settings, is_task=True)
    assert task.wait() == 0, task.log
    wait_until(lambda: len(distinct(settings)) == 100)
    received = {event["received_at_ms"] for event in distinct(settings)}
    assert received == {line["received_at_ns"] // 1_000_000 for line in lines}  # type: ignore[operator]
    assert values(settings, settings.topics.rejected) == []
