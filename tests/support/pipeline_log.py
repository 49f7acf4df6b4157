"""Reading of topics in tests, and the results of the offline tools for the same log."""

import asyncio
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from liq.devstack.stack import liq_command
from liq.runtime.kafka import new_consumer, start_consumer
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from tests.conftest import worker_environment

POLL_MS = 200


def read_topic(settings: Settings, topic: str) -> dict[int, list[Any]]:
    """Return all records of a topic, by partition; empty if the topic does not exist."""
    return asyncio.run(_read_topic(settings, topic))


async def _read_topic(settings: Settings, topic: str) -> dict[int, list[Any]]:
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    try:
        partitions = await find_partitions(settings, [topic])
        if not partitions:
            return {}
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        log: dict[int, list[Any]] = defaultdict(list)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for tp, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                log[tp.partition].extend(records)
    finally:
        await consumer.stop()
    return dict(log)


def values(settings: Settings, topic: str) -> list[bytes]:
    """Return the values of a topic without heartbeats."""
    return [
        record.value
        for records in read_topic(settings, topic).values()
        for record in records
        if record.value is not None
    ]


def run_offline(
    settings: Settings, *arguments: str, data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a `liq` command to its end with `data` on its standard input."""
    return subprocess.run(
        liq_command(*arguments),
        input=data,
        capture_output=True,
        env=worker_environment(settings) | {"PATH": str(Path("/usr/bin"))},
        timeout=100,
        check=False,
    )


def offline_alerts(settings: Settings) -> list[bytes]:
    """Return the alerts of `liq detect` for the events topic, as detecting workers applied it.

    Cascades that are open at the end of the log stay open, as for the workers.
    """
    log = run_offline(settings, "export", settings.topics.events, "--as-detected")
    assert log.returncode == 0, log.stderr
    detected = run_offline(settings, "detect", "--no-end", data=log.stdout)
    assert detected.returncode == 0, detected.stderr
    return detected.stdout.splitlines()


def by_id(records: list[bytes], field: str) -> dict[str, bytes]:
    """Return records by an id field; a repeat must be identical byte for byte."""
    found: dict[str, bytes] = {}
    for record in records:
        name = orjson.loads(record)[field]
        assert found.setdefault(name, record) == record, f"{field} {name} stands for two records"
    return found
