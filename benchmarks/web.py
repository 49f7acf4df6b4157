"""`liq serve` with many readers: from the topic to 200 server-sent event streams, and a page.

    python -m benchmarks.web [--seconds 20] [--rate 1000] [--readers 200] [--page] [--check]

Everything runs on this machine: a broker, one `liq serve`, one process that publishes, one process
for all readers (it parses only one time of each event), and with `--page` a Chromium whose frame
times are measured. One more reader stops reading at once and stays connected.
"""

import argparse
import asyncio
import multiprocessing
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.running_worker import RunningWorker
from liq.devstack.broker import choose_broker
from liq.devstack.options import load_stack_options
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Child, Supervisor
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.schemas.vocabulary import Side
from tests.support.web_records import liquidation

WARM_UP_SECONDS = 75.0
LIMIT_P99_SECONDS = 0.3
#: The limit for the growth of memory between the first and the last third of the time.
LIMIT_GROWTH_MIB = 8.0
BATCHES_A_SECOND = 50
RECEIVED = re.compile(rb'"received_at_ms":(\d+)')
FRAMES = """() => new Promise((resolve) => {
  const times = []; let last = performance.now(); const end = last + %d;
  const step = (now) => { times.push(now - last); last = now;
    if (now < end) requestAnimationFrame(step); else resolve(times); };
  requestAnimationFrame(step); })"""


@dataclass(slots=True)
class Reading:
    """The readings of all readers: the age of the oldest liquidation per event, and the count."""

    seconds: list[float] = field(default_factory=list)
    records: int = 0


class Reader(asyncio.Protocol):
    """A stream's reader that parses one time in each received piece."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Request the stream."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"GET /api/v1/stream?streams=liquidations HTTP/1.1\r\nHost: x\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        """Count the received liquidations, and record the age of the first."""
        found = RECEIVED.search(data)
        if found is not None:
            self._reading.seconds.append(time.time() - int(found[1]) / 1000)
        self._reading.records += data.count(b'"event_id"')


def read_all(port: int, readers: int, done: Connection) -> None:
    """Read with all readers until a stop message; send their readings of the measured time."""

    async def work() -> Reading:
        reading = Reading()
        loop = asyncio.get_running_loop()
        opened = [
            await loop.create_connection(lambda: Reader(reading), LOOPBACK, port)
            for _ in range(readers)
        ]
        done.send("connected")
        await asyncio.to_thread(done.recv)
        reading.seconds.clear()
        reading.records = 0
        await asyncio.to_thread(done.recv)
        for transport, _ in opened:
            transport.close()
        return reading

    done.send(asyncio.run(work()))


def publish(settings: Settings, rate: float, stop: "multiprocessing.synchronize.Event") -> None:
    """Publish liquidations at a rate, each with its time of publication."""

    async def work() -> None:
        producer = new_producer(settings, "benchmark")
        await producer.start()
        number, started = 0, time.monotonic()
        while not stop.is_set():
            due = int((time.monotonic() - started) * rate)
            while number < due:
                now_ms = int(time.time() * 1000)
                value = liquidation(
                    number,
                    timestamp_ms=now_ms,
                    received_at_ms=now_ms,
                    side=Side.LONG if number % 3 else Side.SHORT,
                    value_usd=Decimal(number % 997 * 31),
                )
                await producer.send(settings.topics.events, value, key=b"%d" % (number % 97))
                number += 1
            await asyncio.sleep(1 / BATCHES_A_SECOND)
        await producer.stop()

    asyncio.run(work())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=1_000)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = load_stack_options(embedded_data_dir=Path(folder) / "stack", embedded_kafka_port=0)
        with Supervisor(Path(folder) / "logs") as supervisor:
            broker = choose_broker(stack, supervisor)
            os.environ |= broker.start().environment
            troubles = measure(supervisor, options)
            supervisor.stop("serve")
            broker.stop()
    if options.check and troubles:
        sys.exit("\n".join(troubles))


def measure(supervisor: Supervisor, options: argparse.Namespace) -> list[str]:
    settings = load_settings(topic_partitions=12, log_format="json")
    asyncio.run(ensure_topics(settings, ()))
    port, health = free_port(), free_port()
    supervisor.start(
        Child(
            name="serve",
            command=liq_command("serve"),
            environment={
                "WEB_PORT": str(port),
                "HTTP_PORT": str(health),
                "TOPIC_PARTITIONS": "12",
                "WEB_STREAMS_PER_CLIENT": str(options.readers + 10),
                "WEB_MEMORY_MB": "32",
            },
            is_ready=lambda: answers_http(f"http://{LOOPBACK}:{health}/readyz"),
            ready_seconds=120.0,
        )
    )
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    stop = context.Event()
    readers = context.Process(target=read_all, args=(port, options.readers, there))
    publisher = context.Process(target=publish, args=(settings, options.rate, stop))
    readers.start()
    here.recv()
    stuck = socket.create_connection((LOOPBACK, port))
    stuck.sendall(b"GET /api/v1/stream?streams=liquidations HTTP/1.1\r\nHost: x\r\n\r\n")
    publisher.start()
    # Wait until the window is full, because memory may grow only until then.
    time.sleep(WARM_UP_SECONDS)
    worker = RunningWorker(health)
    cpu_before, began = worker.cpu_seconds(), time.monotonic()
    here.send("measure")
    memory = watch(worker, options, port)
    elapsed, cpu = time.monotonic() - began, worker.cpu_seconds() - cpu_before
    here.send("stop")
    reading = here.recv()
    stop.set()
    publisher.join()
    readers.join()
    stuck.close()
    return report(options, reading, memory, cpu / elapsed, elapsed)


def watch(worker: RunningWorker, options: argparse.Namespace, port: int) -> list[float]:
    """Sample the server's memory once a second, after a measurement of the page if requested."""
    memory = []
    until = time.monotonic() + options.seconds
    if options.page:
        asyncio.run(measure_page(port, options.seconds))
    while time.monotonic() < until:
        memory.append(worker.resident_mebibytes())
        time.sleep(1)
    return memory or [worker.resident_mebibytes()]


async def measure_page(port: int, seconds: float) -> None:
    from playwright.async_api import async_playwright  # noqa: PLC0415 - only for --page

    async with async_playwright() as started:
        browser = await started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = await browser.new_page(viewport={"width": 1360, "height": 900})
        await page.goto(f"http://{LOOPBACK}:{port}")
        await page.wait_for_selector("#tape tr")
        paint = await page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        )
        await page.select_option("select[name=range]", "5m")
        times = sorted(await page.evaluate(FRAMES % int(seconds * 1000)))
        heap = await page.evaluate("performance.memory.usedJSHeapSize / 1048576")
        print(f"page: first paint                {paint:8.0f} ms")
        for share in (0.5, 0.95, 0.99, 1.0):
            print(f"page: frames, {share:4.0%} within       {percentile(times, share):8.1f} ms")
        print(f"page: heap                       {heap:8.1f} MiB")
        await browser.close()


def report(
    options: argparse.Namespace,
    reading: Reading,
    memory: list[float],
    cpu_share: float,
    elapsed: float,
) -> list[str]:
    seconds = sorted(reading.seconds)
    third = max(1, len(memory) // 3)
    growth = sum(memory[-third:]) / third - sum(memory[:third]) / third
    print(f"readers                          {options.readers:8d}")
    print(f"liquidations a second, each      {reading.records / options.readers / elapsed:8.0f}")
    for share in (0.5, 0.9, 0.99, 1.0):
        print(
            f"topic to reader, {share:4.0%} within    {1000 * percentile(seconds, share):8.0f} ms"
        )
    print(f"processor of the server          {cpu_share:8.2f} cores")
    print(f"memory of the server             {memory[-1]:8.1f} MiB, {growth:+.1f} in this time")
    troubles = []
    if percentile(seconds, 0.99) > LIMIT_P99_SECONDS:
        troubles.append(f"p99 is above {LIMIT_P99_SECONDS} s")
    if growth > LIMIT_GROWTH_MIB:
        troubles.append(f"memory grew by more than {LIMIT_GROWTH_MIB} MiB")
    return troubles


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


if __name__ == "__main__":
    main()
