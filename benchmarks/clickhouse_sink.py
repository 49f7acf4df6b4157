"""The sink compared with the engine that it loads: rates, memory and freshness in one run.

    python -m benchmarks.clickhouse_sink [--events 400000] [--seconds 15]

Everything runs on this machine: the embedded broker, the embedded ClickHouse, one sink worker.
Rates depend on the machine's other load; ratios and processor time depend on it far less.

    load       one worker empties a backlog: Kafka to acknowledged rows, decoding included
    insert     the insert alone, in the worker's batches, against INSERT ... SELECT of the same
               rows from an Arrow file
    memory     the worker's resident memory during the backlog, above an idle worker's
    freshness  from the send of an event to the first query that sees it, at 1,000 events a second
"""

import argparse
import asyncio
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from clickhouse_connect.driver.client import Client

from benchmarks.running_worker import RunningWorker
from liq.devstack.options import load_stack_options
from liq.devstack.stack import Stack
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode as encode_record
from liq.schemas.headers import Headers
from liq.schemas.records import Liquidation, Source
from liq.schemas.vocabulary import Completeness, ContractKind, Evidence, PriceKind, Side
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.encoding import Encoded, encode
from liq.sinks.clickhouse.migrations import migrate
from liq.sinks.clickhouse.tables import LIQUIDATIONS
from liq.sinks.clickhouse.writer import insert

PARTITIONS = 4
ROUNDS = 5
POLL_SECONDS = 0.05
EVENTS_PER_SECOND = 1000
SYMBOLS = 200
STARTED_AT_MS = 1_783_500_000_000
COUNT = "SELECT count() FROM liquidations"


@dataclass(frozen=True, slots=True)
class Record:
    """An event in the form of a Kafka record."""

    value: bytes
    offset: int
    topic: str = "liquidations.events"
    partition: int = 0
    timestamp: int = STARTED_AT_MS
    headers: Headers = ()


def liquidation(number: int, chance: random.Random) -> bytes:
    base = f"A{int(SYMBOLS * chance.random() ** 3)}"
    price = Decimal(chance.randint(10**6, 10**9)).scaleb(-4)
    quantity = Decimal(chance.randint(1, 10**7)).scaleb(-3)
    return encode_record(
        Liquidation(
            event_id=f"{chance.getrandbits(128):032x}",
            exchange=chance.choice(("binance", "bybit", "okx", "hyperliquid")),
            symbol=f"{base}USDT",
            native_symbol=f"{base}-USDT-SWAP",
            base=base,
            quote="USDT",
            settle="USDT",
            contract=ContractKind.LINEAR,
            side=chance.choice((Side.LONG, Side.SHORT)),
            price=price,
            price_kind=PriceKind.BANKRUPTCY,
            quantity=quantity,
            value_usd=price * quantity,
            timestamp_ms=STARTED_AT_MS + number * 20,
            received_at_ms=STARTED_AT_MS + number * 20 + 40,
            completeness=Completeness.COMPLETE,
            evidence=Evidence.REPORTED,
            is_institutional=price * quantity >= 100_000,
            price_level=price.quantize(Decimal(1)),
            source=Source("liquidations.raw.okx", 1, number),
        )
    )


async def publish(settings: Settings, values: Sequence[bytes]) -> None:
    producer = new_producer(settings, "benchmark")
    await producer.start()
    try:
        for number, value in enumerate(values):
            await producer.send(settings.topics.events, value, partition=number % PARTITIONS)
        await producer.flush()
    finally:
        await producer.stop()


def count(client: Client) -> int:
    return int(client.query(COUNT).result_rows[0][0])


def load_rates(
    stack: Stack, settings: Settings, client: Client, events: Sequence[bytes]
) -> Iterator[str]:
    """Measure a worker that starts on a backlog, against an idle worker that ran before."""
    idle = RunningWorker(stack.start_worker("idle-sink", "sink", "clickhouse"))
    idle_memory, idle_cpu = idle.resident_mebibytes(), idle.cpu_seconds()
    stack.supervisor.stop("idle-sink")
    asyncio.run(publish(settings, events))
    worker = RunningWorker(stack.start_worker("sink", "sink", "clickhouse"))
    first_count, first_time = 0, time.monotonic()
    stored, memory = 0, 0.0
    while stored < len(events):
        time.sleep(POLL_SECONDS)
        stored, now = count(client), time.monotonic()
        memory = max(memory, worker.resident_mebibytes())
        if not first_count:
            first_count, first_time = stored, now
    rate = (stored - first_count) / (now - first_time)
    cpu = (worker.cpu_seconds() - idle_cpu) / stored
    stack.supervisor.stop("sink")
    yield f"Kafka to ClickHouse, one worker: {rate:,.0f} events/s"
    yield (
        f"  of which the worker: {cpu * 1e6:.1f} us of processor time an event, "
        f"so {1 / cpu:,.0f} events/s on a core of its own"
    )
    yield f"memory above an idle worker's {idle_memory:.0f} MiB: {memory - idle_memory:.0f} MiB"


def freshness(
    stack: Stack, settings: Settings, client: Client, events: Sequence[bytes]
) -> Iterator[str]:
    """Measure freshness by counts: events of one partition become visible in their order."""
    stack.start_worker("fresh-sink", "sink", "clickhouse")
    sent: list[float] = []
    before = count(client)
    publishing = threading.Thread(
        target=lambda: asyncio.run(publish_slowly(settings, events, sent)), daemon=True
    )
    publishing.start()
    seen: list[float] = []
    while len(seen) < len(events):
        time.sleep(POLL_SECONDS)
        visible, now = count(client) - before, time.monotonic()
        seen += [now - moment for moment in sent[len(seen) : visible]]
    publishing.join()
    stack.supervisor.stop("fresh-sink")
    seen.sort()
    median, worst = seen[len(seen) // 2], seen[len(seen) * 99 // 100]
    yield f"freshness at {EVENTS_PER_SECOND:,} events/s: p50 {median:.2f} s, p99 {worst:.2f} s"


async def publish_slowly(settings: Settings, events: Sequence[bytes], sent: list[float]) -> None:
    producer = new_producer(settings, "benchmark")
    await producer.start()
    started = time.monotonic()
    try:
        for number, value in enumerate(events):
            await asyncio.sleep(started + number / EVENTS_PER_SECOND - time.monotonic())
            sent.append(time.monotonic())
            await producer.send(settings.topics.events, value, partition=0)
        await producer.flush()
    finally:
        await producer.stop()


def insert_rates(client: Client, events: Sequence[bytes], batch_rows: int) -> Iterator[str]:
    records = [Record(value, offset) for offset, value in enumerate(events)]
    batches = [
        encode(LIQUIDATIONS, records[start : start + batch_rows])
        for start in range(0, len(records), batch_rows)
    ]
    insert_all(client, batches)
    columns = ", ".join(LIQUIDATIONS.sent_columns)
    rows = f"SELECT {columns} FROM liquidations"  # noqa: S608 - our own names
    client.command(f"CREATE TABLE benchmark_source ENGINE = MergeTree ORDER BY tuple() AS {rows}")
    select = f"INSERT INTO liquidations ({columns}) SELECT * FROM benchmark_source"  # noqa: S608

    def whole() -> None:
        client.command(select)

    ours = best_rate(client, lambda: insert_all(client, batches), len(events))
    copied = best_rate(client, whole, len(events))
    client.command("DROP TABLE benchmark_source")
    yield f"insert in batches of {batch_rows:,}: {ours:,.0f} rows/s"
    yield f"INSERT SELECT of the same rows: {copied:,.0f} rows/s; ratio {ours / copied:.2f}"


def insert_all(client: Client, batches: Sequence[Encoded]) -> None:
    for batch in batches:
        assert insert(client, batch) == []


def best_rate(client: Client, load: Callable[[], None], rows: int) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        client.command("TRUNCATE TABLE liquidations")
        started = time.monotonic()
        load()
        best = max(best, rows / (time.monotonic() - started))
    return best


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=400_000, help="in the backlog")
    arguments.add_argument("--seconds", type=int, default=15, help="of freshness")
    options = arguments.parse_args()
    chance = random.Random(20_260_708)  # noqa: S311 - synthetic events
    events = [liquidation(number, chance) for number in range(options.events)]
    fresh = [liquidation(number, chance) for number in range(options.seconds * EVENTS_PER_SECOND)]
    with tempfile.TemporaryDirectory() as directory:
        own = load_stack_options(embedded_data_dir=Path(directory))
        with Stack(own) as stack:
            # The stack's workers also compare the topics with this count.
            os.environ.update(stack.environment | {"TOPIC_PARTITIONS": str(PARTITIONS)})
            settings = load_settings()
            asyncio.run(ensure_topics(settings, ()))
            with closing(connect(settings, use_database=False)) as client:
                migrate(client, settings.clickhouse_database)
                client.database = settings.clickhouse_database
                for lines in (
                    load_rates(stack, settings, client, events),
                    freshness(stack, settings, client, fresh),
                    insert_rates(client, events, settings.sink_batch_rows),
                ):
                    for line in lines:
                        print(line, flush=True)


if __name__ == "__main__":
    main()
