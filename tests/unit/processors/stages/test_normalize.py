"""What the normalizing stage sends: one rejection a frame, in slices of bounded size."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from liq.processors.normalizers import load_snapshot
from liq.processors.stages import normalize as module
from liq.processors.stages.normalize import NormalizeStage
from liq.runtime.metrics import REJECTED
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.codec import decode
from liq.schemas.headers import FrameHeaders, Headers, blind_header, clock_header
from liq.schemas.records import Rejected
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import RejectReason

RECEIVED_AT_MS = 1_752_833_854_600
GOOD = {"T": RECEIVED_AT_MS, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "2"}
TOPIC = "liquidations.raw.bybit"


@dataclass
class Message:
    """A raw record of Bybit with some rows."""

    value: bytes
    offset: int
    topic: str = TOPIC
    partition: int = 0
    timestamp: int = RECEIVED_AT_MS
    key: bytes = b"bybit"

    @property
    def headers(self) -> Headers:
        time_ns = RECEIVED_AT_MS * MILLISECOND_NS
        return FrameHeaders("bybit", "linear", time_ns, "c", self.offset).encode()


@dataclass
class SlowOutput:
    """Keeps what each call sends; acknowledges on demand."""

    calls: list[list[OutputRecord]] = field(default_factory=list)
    futures: list["asyncio.Future[None]"] = field(default_factory=list)

    async def send(self, records: list[OutputRecord]) -> "asyncio.Future[None]":
        self.calls.append(records)
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]

    async def partitions(self, _topic: str) -> list[int]:
        return [0]


def message(offset: int, rows: list[Any]) -> Message:
    frame = {"topic": "allLiquidation.BTCUSDT", "data": rows}
    return Message(orjson.dumps(frame), offset)


def new_stage(output: SlowOutput) -> NormalizeStage:
    sent: Any = output
    return NormalizeStage(Settings(worker_slot="here"), sent, load_snapshot())


async def test_a_frame_gives_one_rejection_and_the_metric_counts_its_entries() -> None:
    output = SlowOutput()
    counted = REJECTED.labels("bybit", RejectReason.INVALID_NUMBER)._value
    before = counted.get()
    await new_stage(output).handle([message(7, [{**GOOD, "v": "x"}] * 30)])
    [record] = [each for each in output.calls[0] if each.topic == "liquidations.rejected"]
    rejected = decode(Rejected, record.value or b"")
    assert len(rejected.entries) == 30
    assert counted.get() - before == 30


def heartbeat(exchange: str, at_ms: int, *blind: str) -> Any:
    headers = FrameHeaders(exchange, "heartbeat", at_ms * MILLISECOND_NS, "a", 0, blind=blind)
    return SimpleNamespace(
        value=None,
        topic=f"liquidations.raw.{exchange}",
        partition=0,
        offset=0,
        timestamp=at_ms,
        key=b"heartbeat",
        headers=headers.encode(),
    )


async def test_heartbeats_of_events_name_what_is_blind_in_every_partition() -> None:
    output = SlowOutput()
    stage = new_stage(output)
    start_ms = RECEIVED_AT_MS
    await stage.handle(
        [
            heartbeat("okx", start_ms, "*"),
            heartbeat("binance", start_ms + 100, "coinm"),
            heartbeat("bybit", start_ms + 1_000),
            *(heartbeat("bybit", start_ms + second * 1_000) for second in range(9, 12)),
        ]
    )
    named = [
        (clock_header(record.headers), blind_header(record.headers)) for record in output.calls[0]
    ]
    assert named == [
        (start_ms, ("okx",)),
        (start_ms + 1_000, ("binance:coinm", "okx")),
        (start_ms + 9_000, ("binance:coinm", "okx")),
        # Nobody has said anything of these for ten seconds.
        (start_ms + 10_000, ("binance:coinm", "okx")),
        (start_ms + 11_000, ("binance", "okx")),
    ]


async def test_a_batch_is_sent_in_slices_and_is_safe_when_all_of_them_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SLICE_BYTES", 10_000)
    output = SlowOutput()
    messages = [message(number, [GOOD] * 3) for number in range(30)]
    safe = asyncio.ensure_future(await new_stage(output).handle(messages))
    sizes = [sum(len(record.value or b"") for record in call) for call in output.calls]
    assert len(sizes) > 3
    assert max(sizes) < 10_000 + 3 * 1_500
    assert sum(map(len, output.calls)) == 90
    for future in output.futures[:-1]:
        future.set_result(None)
    await asyncio.sleep(0)
    assert not safe.done()
    output.futures[-1].set_result(None)
    assert await safe == {}
