"""The sink of the hot state: events a second, from a backlog in Kafka to Redis.

    python -m benchmarks.redis_sink [--events 200000] [--aof] [--check]

Everything runs on this machine: a broker, one `redis-server`, one worker. Rates depend on the
machine's other load; the processor time of the worker and of Redis depends on it far less, and
shows which of them would be the bottleneck on separate machines.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.clickhouse_sink import PARTITIONS, liquidation, publish
from benchmarks.running_worker import RunningWorker
from liq.devstack.broker import choose_broker
from liq.devstack.options import load_stack_options
from liq.devstack.supervisor import Supervisor
from liq.runtime.settings import load_settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import decode, encode
from liq.schemas.records import Liquidation
from tests.support.redis_server import RedisServer
from tests.support.tended_worker import TendedWorker

POLL_SECONDS = 0.05
HOUR_MS = 3_600_000
#: The limit of --check.
LEAST_EVENTS_PER_SECOND = 10_000


def events(count: int) -> list[bytes]:
    """Return events of 200 assets, spread over the last hour."""
    chance = random.Random(20_261_130)  # noqa: S311 - synthetic events
    began_ms = int(time.time() * 1000) - HOUR_MS
    made = []
    for number in range(count):
        time_ms = began_ms + number * HOUR_MS // count
        event = decode(Liquidation, liquidation(number, chance))
        made.append(encode(replace(event, timestamp_ms=time_ms, received_at_ms=time_ms + 40)))
    return made


def measure(folder: Path, supervisor: Supervisor, values: list[bytes], options: list[str]) -> float:
    settings = load_settings(topic_partitions=PARTITIONS, log_format="json")
    asyncio.run(ensure_topics(settings, ()))
    asyncio.run(publish(settings, values))
    server = RedisServer(supervisor, folder / "redis", options=options)
    server.start()
    own = settings.model_copy(update={"redis_url": type(settings.redis_url)(server.url)})
    worker = TendedWorker(supervisor, own, "sink", "redis")
    with server.client() as client:
        worker.start()
        first, began, stored = 0, 0.0, 0
        while stored < len(values):
            worker.tend()
            time.sleep(POLL_SECONDS)
            now = time.monotonic()
            seen = client.keys(f"{settings.topic_namespace}:seen:*")
            stored = sum(client.scard(key) for key in seen)
            if stored and not first:
                first, began = stored, now
        rate = (stored - first) / (now - began)
        process = RunningWorker(worker.port)
        cpu = process.cpu_seconds() / stored
        info: dict[str, float] = client.info()
        redis_cpu = (info["used_cpu_user"] + info["used_cpu_sys"]) / stored
        script = client.info("commandstats")["cmdstat_evalsha"]
        print(f"Kafka to Redis, one worker:    {rate:10,.0f} events/s")
        print(f"worker, processor time:        {cpu * 1e6:10.1f} us an event")
        print(f"Redis, processor time:         {redis_cpu * 1e6:10.1f} us an event")
        print(f"one call of the script:        {script['usec_per_call'] / 1000:10.2f} ms")
        print(f"events a call:                 {stored / script['calls']:10.0f}")
        print(f"Redis, memory:                 {info['used_memory'] / stored:10.0f} bytes an event")
        print(f"worker, memory:                {process.resident_mebibytes():10.0f} MiB")
        print(f"load of this machine:          {os.getloadavg()[0]:10.1f}")
    worker.stop()
    supervisor.stop("redis")
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=200_000, help="in the backlog")
    parser.add_argument("--aof", action="store_true", help="Redis keeps a log on disk")
    parser.add_argument("--check", action="store_true", help="fail below the limit")
    options = parser.parse_args()
    values = events(options.events)
    words = ["--appendonly", "yes"] if options.aof else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stack = load_stack_options(embedded_data_dir=folder / "stack", embedded_kafka_port=0)
        with Supervisor(folder / "logs") as supervisor:
            broker = choose_broker(stack, supervisor)
            os.environ |= broker.start().environment | {"TOPIC_PARTITIONS": str(PARTITIONS)}
            rate = measure(folder, supervisor, values, words)
            broker.stop()
    if options.check and rate < LEAST_EVENTS_PER_SECOND:
        raise SystemExit(f"{rate:,.0f} events/s, and {LEAST_EVENTS_PER_SECOND:,} are wanted")


if __name__ == "__main__":
    main()
