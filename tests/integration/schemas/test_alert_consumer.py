"""The documented consumer of alerts works as printed."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from tests.support.paths import DOCS, EXAMPLES

EXAMPLE = DOCS / "examples" / "alerts.py"
ALERT = (EXAMPLES / "CascadeAlert.detected.json").read_bytes().strip()


def test_the_page_shows_the_example() -> None:
    assert EXAMPLE.read_text() in (DOCS / "topics.md").read_text()


@pytest.mark.integration
@pytest.mark.usefixtures("broker")
def test_the_example_prints_an_alert_once(settings: Settings, tmp_path: Path) -> None:
    async def publish() -> None:
        await ensure_topics(settings, ())
        producer = new_producer(settings, "test")
        await producer.start()
        for _ in range(2):
            await producer.send_and_wait(settings.topics.cascades, ALERT, key=b"cascade")
        last = ALERT.replace(b'"alert_id":"', b'"alert_id":"last-')
        await producer.send_and_wait(settings.topics.cascades, last, key=b"cascade")
        await producer.stop()

    asyncio.run(publish())
    with (tmp_path / "errors").open("wb") as errors:
        consumer = subprocess.Popen(
            (sys.executable, "-u", EXAMPLE),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={
                **os.environ,
                "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
                "ALERTS_TOPIC": settings.topics.cascades,
            },
        )
        try:
            assert consumer.stdout is not None
            lines = [consumer.stdout.readline() for _ in range(2)]
        finally:
            consumer.kill()
            consumer.wait()
    assert [line.split()[0] for line in lines] == ["CASCADE_DETECTED"] * 2
