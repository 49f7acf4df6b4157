"""Replay against a broker: exact bytes, headers, keys and order, from the real capture."""

import asyncio
import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import TopicPartition

from liq.producers.recorded.ordered_sender import Ordering
from liq.producers.recorded.replay import (
    BrokenLine,
    ReplayCallbacks,
    ReplayOptions,
    ReplayResult,
    replay_capture,
)
from liq.runtime.kafka import new_consumer, start_consumer
from liq.runtime.settings import Settings
from liq.schemas.headers import (
    CONNECTION,
    EXCHANGE,
    FEED,
    HEARTBEAT_KEY,
    RECEIVED_AT_NS,
    SEQUENCE,
    integer_header,
    text_header,
)
from tests.support.paths import CAPTURES

if TYPE_CHECKING:
    from tests.conftest import RunWorker

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

THREE_VENUES = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
VENUES = ("binance", "bybit", "okx")
KNOWN = (*VENUES, "hyperliquid")
OPTIONS = ReplayOptions(known_exchanges=KNOWN, exchanges=VENUES)
FIRST_NS = 1_752_833_843_548_000_000


async def read_all(settings: Settings, exchanges: tuple[str, ...] = VENUES) -> list[Any]:
    """Every record of the raw topics, partition by partition."""
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    try:
        partitions = [
            TopicPartition(settings.topics.raw(exchange), number)
            for exchange in exchanges
            for number in range(settings.topic_partitions)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        records: list[Any] = []
        async with asyncio.timeout(30):
            while len(records) < sum(ends.values()):
                for some in (await consumer.getmany(timeout_ms=200)).values():
                    records.extend(some)
    finally:
        await consumer.stop()
    return records


def capture_line(number: int, symbol: str = "BTCUSDT", **changes: object) -> bytes:
    frame = {"e": "forceOrder", "o": {"s": symbol, "n": number}}
    line = {
        "received_at_ns": FIRST_NS + number * 1_000_000_000,
        "exchange": "binance",
        "feed": "usdm",
        "frame": json.dumps(frame),
    }
    return json.dumps({**line, **changes}).encode() + b"\n"


async def test_the_capture_arrives_byte_for_byte(settings: Settings) -> None:
    lines = gzip.decompress(THREE_VENUES.read_bytes()).splitlines()
    expected = {str(number): json.loads(line) for number, line in enumerate(lines, start=1)}
    progress: list[int] = []
    callbacks = ReplayCallbacks(progress=lambda result: progress.append(result.frames))

    result = await replay_capture(settings, str(THREE_VENUES), OPTIONS, callbacks=callbacks)

    assert (result.frames, result.broken, result.skipped) == (3311, 0, 0)
    assert result.exit_code == 0
    assert result.total_lines == result.lines == 3311
    assert progress == list(range(1, 3312))
    records = await read_all(settings)
    frames = [record for record in records if record.value is not None]
    assert len(frames) == 3311
    for record in frames:
        headers = record.headers
        line = expected.pop(text_header(headers, SEQUENCE))
        assert text_header(headers, EXCHANGE) == line["exchange"]
        assert record.value == line["frame"].encode()
        assert record.topic == settings.topics.raw(line["exchange"])
        assert text_header(headers, FEED) == line["feed"]
        assert integer_header(headers, RECEIVED_AT_NS) == line["received_at_ns"]
        assert text_header(headers, CONNECTION) == f"replay:{THREE_VENUES.name}"
        assert record.key.decode().startswith(("BTC", "ETH", "SOL", "XRP", "DOGE"))
    assert expected == {}
    places = {(record.topic, record.partition) for record in frames}
    for place in places:
        sequences = [
            int(text_header(record.headers, SEQUENCE))
            for record in frames
            if (record.topic, record.partition) == place
        ]
        assert sequences == sorted(sequences)
    end_ns = max(int(text_header(record.headers, RECEIVED_AT_NS)) for record in frames)
    heartbeats = [record for record in records if record.value is None]
    assert {record.topic for record in heartbeats} == {settings.topics.raw(e) for e in VENUES}
    assert len(heartbeats) == len(VENUES)
    for record in heartbeats:
        assert record.key == HEARTBEAT_KEY
        assert text_header(record.headers, FEED) == "heartbeat"
        assert integer_header(record.headers, RECEIVED_AT_NS) == end_ns + 300 * 1_000_000_000


async def test_relaxed_ordering_publishes_the_same_records(settings: Settings) -> None:
    options = ReplayOptions(known_exchanges=KNOWN, exchanges=VENUES, ordering=Ordering.RELAXED)
    result = await replay_capture(settings, str(THREE_VENUES), options)
    assert result.frames == 3311
    assert len(await read_all(settings)) == 3311 + len(VENUES)


async def test_broken_lines_are_reported_and_skipped(settings: Settings, tmp_path: Path) -> None:
    capture = tmp_path / "capture.jsonl"
    capture.write_bytes(
        capture_line(0)
        + b"not json\n"
        + b'{"exchange":"binance","feed":"usdm","frame":"{}"}\n'
        + b"\n"
        + capture_line(4, exchange="mtgox")
        + capture_line(5, received_at_ns=1_752_833_843_548)
        + capture_line(6, frame=7)
        + capture_line(7)
    )
    reported: list[BrokenLine] = []
    result = await replay_capture(
        settings, str(capture), OPTIONS, callbacks=ReplayCallbacks(broken=reported.append)
    )
    assert (result.frames, result.broken, result.exit_code) == (2, 5, 2)
    assert [broken.number for broken in reported] == [2, 3, 5, 6, 7]
    assert [broken.reason.partition(":")[0] for broken in reported] == [
        "not JSON",
        "received_at_ns",
        "exchange",
        "received_at_ns",
        "frame",
    ]
    frames = [record for record in await read_all(settings) if record.value is not None]
    assert [integer_header(record.headers, SEQUENCE) for record in frames] == [1, 8]


async def test_a_capture_that_is_cut_off_is_played_so_far(
    settings: Settings, tmp_path: Path
) -> None:
    capture = tmp_path / "cut.jsonl.gz"
    capture.write_bytes(THREE_VENUES.read_bytes()[:-4_000])
    reported: list[BrokenLine] = []
    result = await replay_capture(
        settings, str(capture), OPTIONS, callbacks=ReplayCallbacks(broken=reported.append)
    )
    assert 0 < result.frames < 3311
    assert [broken.reason for broken in reported] == ["the gzip stream is cut off"]
    assert reported[0].number == result.frames + 1
    assert result.exit_code == 2


async def test_venues_that_were_not_asked_for_are_skipped(settings: Settings) -> None:
    options = ReplayOptions(known_exchanges=KNOWN, exchanges=("okx",))
    result = await replay_capture(settings, str(THREE_VENUES), options)
    assert (result.frames, result.skipped, result.exit_code) == (988, 3311 - 988, 0)


async def test_a_paced_replay_sends_heartbeats_between_frames(
    settings: Settings, tmp_path: Path
) -> None:
    capture = tmp_path / "capture.jsonl"
    capture.write_bytes(capture_line(0) + capture_line(30))
    options = ReplayOptions(known_exchanges=KNOWN, exchanges=VENUES, speed=100.0)
    result = await replay_capture(settings, str(capture), options)
    assert result.elapsed_seconds >= 0.3
    records = await read_all(settings)
    clocks = [
        int(text_header(record.headers, RECEIVED_AT_NS)) // 1_000_000_000
        for record in records
        if record.value is None
    ]
    assert clocks == [1_752_833_850, 1_752_833_860, 1_752_833_870, 1_752_833_843 + 330]
    assert result.heartbeats == 4


async def test_a_stopped_replay_keeps_what_it_sent(settings: Settings, tmp_path: Path) -> None:
    capture = tmp_path / "capture.jsonl"
    capture.write_bytes(b"".join(capture_line(number) for number in (0, 1, 100_000)))
    options = ReplayOptions(known_exchanges=KNOWN, exchanges=VENUES, speed=1000.0)
    stop = asyncio.Event()

    def stop_after_two(result: ReplayResult) -> None:
        if result.frames == 2:
            stop.set()

    result = await replay_capture(
        settings,
        str(capture),
        options,
        stop=stop,
        callbacks=ReplayCallbacks(progress=stop_after_two),
    )
    assert result.is_stopped
    assert result.frames == 2
    assert [record.value is None for record in await read_all(settings)].count(False) == 2


async def test_standard_input_is_read_as_it_comes_and_sigterm_ends_it(
    settings: Settings, tmp_path: Path
) -> None:
    """The pipe stays open, so only the signal can end the process."""
    program = (
        "import asyncio, signal\n"
        "from liq.producers.recorded.replay import ReplayCallbacks, ReplayOptions, replay_capture\n"
        "from liq.runtime.settings import load_settings\n"
        "from liq.runtime.logs import configure_logging\n"
        "async def main():\n"
        "    configure_logging(load_settings())\n"
        "    stop = asyncio.Event()\n"
        "    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)\n"
        "    options = ReplayOptions(known_exchanges=('binance',), exchanges=('binance',))\n"
        "    shown = ReplayCallbacks(progress=lambda result: print(result.frames, flush=True))\n"
        "    result = await replay_capture(load_settings(), '-', options,\n"
        "                                  stop=stop, callbacks=shown)\n"
        "    print('stopped', result.is_stopped, result.total_lines)\n"
        "asyncio.run(main())\n"
    )
    output = tmp_path / "output"
    with output.open("wb") as out, (tmp_path / "errors").open("wb") as errors:
        process = subprocess.Popen(  # noqa: ASYNC220 - it does not wait for anything
            (sys.executable, "-c", program), stdin=subprocess.PIPE, stdout=out, stderr=errors
        )
    try:
        assert process.stdin is not None
        for number in (1, 2):
            process.stdin.write(gzip.compress(capture_line(number)))
            process.stdin.flush()
            async with asyncio.timeout(30):
                while f"{number}\n" not in output.read_text():
                    assert process.poll() is None, (tmp_path / "errors").read_text()
                    await asyncio.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 30)
    finally:
        process.kill()
        process.wait()
    assert output.read_text() == "1\n2\nstopped True None\n"
    assert code == 0
    assert len(await read_all(settings, ("binance",))) == 2


async def test_the_command_reports_broken_lines_and_exits_with_2(
    settings: Settings, tmp_path: Path, run_worker: "RunWorker"
) -> None:
    capture = tmp_path / "capture.jsonl"
    capture.write_bytes(capture_line(0) + b"not json\n" + capture_line(2))
    task = run_worker("replay", str(capture), settings=settings, is_task=True)
    assert await asyncio.to_thread(task.wait) == 2
    assert "capture.jsonl:2: not JSON" in task.log
    frames = [record for record in await read_all(settings) if record.value is not None]
    assert len(frames) == 2
