"""The status goes on by the clock, whatever the brokers or the state do."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from liq.processors.stages.status import MarketView, PartitionProgress
from liq.processors.workers import status_writer
from liq.processors.workers.status_writer import StatusWriter
from liq.runtime.metrics import DECIDED_AGE, DETECTION_WAITING, ERRORS, PARTITION_BEHIND
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import status_headers
from liq.schemas.codec import decode
from liq.schemas.records import DetectionStatus

CLOCK = 1_783_000_000
SETTINGS = Settings(worker_slot="a")


class Market:
    """The market stage, as far as a status asks it."""

    def __init__(self, view: MarketView | None) -> None:
        self.known = view

    async def view(self) -> MarketView | None:
        return self.known


class Events:
    def assigned(self) -> set[int]:
        return {0, 1}


class Output:
    def __init__(self) -> None:
        self.records: list[OutputRecord] = []

    async def deliver(self, records: Sequence[OutputRecord]) -> None:
        self.records += records


class Brokers:
    """What the brokers say, one answer or failure after the other."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.closed = 0

    async def ask(self) -> dict[int, PartitionProgress]:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        found: dict[int, PartitionProgress] = answer
        return found

    async def close(self) -> None:
        self.closed += 1


def writer(market: Market, output: Output, brokers: Any) -> StatusWriter:
    app: Any = None
    stage: Any = market
    events: Any = Events()
    sending: Any = output
    made = StatusWriter(SETTINGS, app, stage, events, sending, lambda: CLOCK + 2.5)
    made._progress = brokers
    return made


def statuses(output: Output) -> list[DetectionStatus]:
    return [decode(DetectionStatus, record.value or b"") for record in output.records]


def errors(kind: str) -> float:
    value: float = ERRORS.labels(kind)._value.get()
    return value


VIEW = MarketView({0: CLOCK, 1: CLOCK - 40}, CLOCK - 40, waiting=(1,))


async def test_a_status_says_what_is_known_and_so_do_the_gauges() -> None:
    output = Output()
    await writer(Market(VIEW), output, Brokers({1: PartitionProgress(7)})).write()
    [status] = statuses(output)
    assert (status.worker, status.timestamp_ms) == ("a", CLOCK * 1_000 + 2_500)
    assert (status.slowest_partition, status.behind_records, status.assigned_count) == (1, 7, 2)
    [record] = output.records
    assert (record.topic, record.key) == (SETTINGS.topics.status, b"a")
    assert list(record.headers) == status_headers(status)
    assert DECIDED_AGE.labels("market")._value.get() == 42.5
    assert PARTITION_BEHIND.labels(1)._value.get() == 40
    assert DETECTION_WAITING.labels(1)._value.get() == 1
    assert DETECTION_WAITING.labels(0)._value.get() == 0


async def test_who_does_not_detect_on_the_market_says_nothing() -> None:
    output, market = Output(), Market(VIEW)
    status = writer(market, output, Brokers({}))
    await status.write()
    market.known = None
    await status.write()
    assert len(output.records) == 1
    [shown] = PARTITION_BEHIND.collect()
    assert shown.samples == []


async def test_brokers_that_fail_are_asked_anew() -> None:
    output, failed = Output(), errors("detection_progress")
    brokers = Brokers(KafkaConnectionError(), {1: PartitionProgress(7)})
    status = writer(Market(VIEW), output, brokers)
    await status.write()
    assert (brokers.closed, errors("detection_progress")) == (1, failed + 1)
    await status.write()
    assert [each.behind_records for each in statuses(output)] == [None, 7]


async def test_brokers_that_do_not_answer_hold_up_no_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status_writer, "ANSWER_SECONDS", 0.01)
    output = Output()
    is_up = asyncio.Event()

    class LateBrokers(Brokers):
        async def ask(self) -> dict[int, PartitionProgress]:
            await is_up.wait()
            return {1: PartitionProgress(7)}

    status = writer(Market(VIEW), output, LateBrokers())
    await status.write()
    await status.write()
    is_up.set()
    await status.write()
    assert [each.behind_records for each in statuses(output)] == [None, None, 7]


async def test_a_stop_does_not_wait_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_writer, "ANSWER_SECONDS", 0.0)

    class SilentBrokers(Brokers):
        async def ask(self) -> dict[int, PartitionProgress]:
            await asyncio.Event().wait()
            return {}

    brokers = SilentBrokers()
    status = writer(Market(VIEW), Output(), brokers)
    await status.write()
    await status.on_stop()
    assert brokers.closed == 1
