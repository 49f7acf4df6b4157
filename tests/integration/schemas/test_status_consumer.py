"""The documented consumer of detection statuses works as printed."""

import asyncio
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import orjson
import pytest

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from tests.support.paths import DOCS, EXAMPLES

EXAMPLE = DOCS / "examples" / "status.py"
BEHIND = orjson.loads((EXAMPLES / "DetectionStatus.behind.json").read_bytes())


def test_the_page_shows_the_example() -> None:
    assert EXAMPLE.read_text() in (DOCS / "topics.md").read_text()


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "late: alerts of the market wait"),
        ({"waiting_partitions": []}, "late: detection is behind"),
        ({"waiting_partitions": [], "behind_records": 0}, "blind: nothing reaches"),
        ({"waiting_partitions": [], "behind_records": None}, "blind: nothing reaches"),
        ({"behind_ms": 1_200, "waiting_partitions": []}, "alive: silence is a quiet market"),
        ({"behind_ms": None}, "blind: nothing is decided yet"),
        (None, "dead: nobody detects"),
    ],
)
def test_each_state_has_a_word_of_its_own(changes: dict[str, Any] | None, verdict: str) -> None:
    judge = runpy.run_path(str(EXAMPLE))["judge"]
    assert judge(None if changes is None else BEHIND | changes).startswith(verdict)


@contextmanager
def published(settings: Settings, status: dict[str, Any]) -> Iterator[None]:
    """Publish a status again and again meanwhile: the reader begins at the end of the topic."""
    stop = Event()

    async def publish() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        while not stop.is_set():
            await producer.send_and_wait(settings.topics.status, orjson.dumps(status))
            await asyncio.to_thread(stop.wait, 0.05)
        await producer.stop()

    thread = Thread(target=lambda: asyncio.run(publish()))
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.integration
@pytest.mark.usefixtures("broker")
def test_the_example_prints_what_changes(settings: Settings) -> None:
    asyncio.run(ensure_topics(settings, ()))
    consumer = subprocess.Popen(
        (sys.executable, "-u", EXAMPLE),
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "STATUS_TOPIC": settings.topics.status,
        },
    )
    try:
        assert consumer.stdout is not None
        with published(settings, BEHIND | {"behind_ms": 900}):
            first = consumer.stdout.readline()
        with published(settings, BEHIND):
            second = consumer.stdout.readline()
    finally:
        consumer.kill()
        consumer.wait()
    assert [first.split(":")[0], second.split(":")[0]] == ["alive", "late"]
