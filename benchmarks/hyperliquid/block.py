"""Time from a node's block to its events: `python -m benchmarks.hyperliquid.block [--rounds N]`.

A node's file gets the largest block known at once: 11,279 liquidations, with the fills of both
parties in 10 MiB. `liq produce hyperliquid --node` and `liq process normalize` run as processes on
Apache Kafka. A delay is from the write of the line to the broker's append of an event. The first
block warms up and does not count.

Prints the delays of each round, lost and doubled events, and each process's processor time.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.workers.__main__ import apache_stack
from benchmarks.workers.logs import namespace
from benchmarks.workers.processes import Running, start
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.stack import Stack, liq_command
from liq.devstack.supervisor import Child
from liq.runtime.logs import configure_logging
from liq.runtime.settings import load_settings
from tests.support.node_files import append, block, both_fills, hour_file

LIQUIDATIONS: Final = 11_279
PARTITIONS: Final = 12
START_SECONDS: Final = 120.0
EVENTS_SECONDS: Final = 120.0
BETWEEN_SECONDS: Final = 3.0
#: The limit of docs/feeds.md: 99 % of the events.
LIMIT_MS: Final = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="exit with 1 when the limit is missed")
    options = parser.parse_args()
    configure_logging(load_settings(log_level="WARNING"), worker="benchmark")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with apache_stack() as stack, tempfile.TemporaryDirectory() as folder:
        p99s_ms = asyncio.run(measure(stack, Path(folder), options.rounds))
    middle = sorted(p99s_ms)[len(p99s_ms) // 2]
    print(f"p99, median of {len(p99s_ms)} rounds: {middle} ms (limit {LIMIT_MS})")
    sys.exit(int(options.check and middle > LIMIT_MS))


async def measure(stack: Stack, tree: Path, rounds: int) -> list[int]:
    """Return the p99 of each round in milliseconds."""
    append(hour_file(tree, 8), block(1, both_fills(1, is_liquidation=False)))
    async with namespace(stack, "block", ("hyperliquid",), partitions=PARTITIONS) as run:
        environment = {**run.environment, "HYPERLIQUID_TAPE_COINS": "none"}
        environment["HYPERLIQUID_WS_URL"] = f"ws://{LOOPBACK}:{free_port()}/nobody"
        processes = [
            start(stack, "normalize", environment, is_loop=False),
            _produce(stack, environment, tree),
        ]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=run.settings.kafka_bootstrap_servers,
            isolation_level="read_committed",
        )
        await consumer.start()
        consumer.assign([TopicPartition(run.topic("events"), each) for each in range(PARTITIONS)])
        await consumer.seek_to_beginning()
        p99s_ms = []
        try:
            for number in range(rounds + 1):
                before = [process.cpu_seconds() for process in processes]
                delays_ms, doubled = await _one(consumer, tree, number)
                spent = [
                    process.cpu_seconds() - since
                    for process, since in zip(processes, before, strict=True)
                ]
                if number:
                    p99s_ms.append(delays_ms[int(len(delays_ms) * 0.99)])
                _print(number, delays_ms, doubled, processes, spent)
                await asyncio.sleep(BETWEEN_SECONDS)
        finally:
            await consumer.stop()
            stack.stop_workers()
        return p99s_ms


def _produce(stack: Stack, environment: dict[str, str], tree: Path) -> Running:
    port = free_port()
    command = liq_command("produce", "hyperliquid", "--node", str(tree), "--node-from", "oldest")
    own = {"HTTP_HOST": LOOPBACK, "HTTP_PORT": str(port), "LOG_LEVEL": "ERROR"}
    stack.supervisor.start(
        Child(
            name="produce", command=command, environment={**stack.environment, **environment, **own}
        )
    )
    return Running("produce", stack.supervisor.process_id("produce"), f"http://{LOOPBACK}:{port}")


async def _one(consumer: Any, tree: Path, number: int) -> tuple[list[int], int]:
    """Write a block; return its events' delays in milliseconds, sorted, and how many came twice."""
    first = 100_000 * (number + 1)
    pairs = [one for each in range(first, first + LIQUIDATIONS) for one in both_fills(each)]
    line = block(number + 2, pairs, seconds=number)
    written_ms = int(time.time() * 1_000)
    append(hour_file(tree, 8), line)
    limit = time.monotonic() + EVENTS_SECONDS + (0 if number else START_SECONDS)
    delays_ms: list[int] = []
    seen: Counter[str] = Counter()
    while len(seen) < LIQUIDATIONS and time.monotonic() < limit:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                if record.value is not None:
                    seen[orjson.loads(record.value)["event_id"]] += 1
                    delays_ms.append(record.timestamp - written_ms)
    if len(seen) < LIQUIDATIONS:
        sys.exit(f"{LIQUIDATIONS - len(seen)} events of a block were lost")
    return sorted(delays_ms), sum(seen.values()) - len(seen)


def _print(
    number: int, delays_ms: list[int], doubled: int, processes: list[Running], spent: list[float]
) -> None:
    p50, p99 = delays_ms[len(delays_ms) // 2], delays_ms[int(len(delays_ms) * 0.99)]
    processor = ", ".join(
        f"{process.name} {seconds:.2f} s" for process, seconds in zip(processes, spent, strict=True)
    )
    print(
        f"{'round ' + str(number) if number else 'warm-up'}: first {delays_ms[0]}, p50 {p50}, "
        f"p99 {p99}, last {delays_ms[-1]} ms; {doubled} doubled; processor {processor}",
        flush=True,
    )


if __name__ == "__main__":
    main()
