"""The archive of raw frames: what a normalizer makes of it is what it made of Kafka."""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings
from liq.schemas.headers import FrameHeaders, Headers
from liq.sinks.clickhouse.archive import archived_frames
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.encoding import encode
from liq.sinks.clickhouse.migrations import migrate
from liq.sinks.clickhouse.tables import RAW_FRAMES
from liq.sinks.clickhouse.writer import insert
from tests.conftest import RunWorker, worker_environment
from tests.support.paths import CAPTURES

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker", "clickhouse")]

CAPTURE = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
EXCHANGES = ("binance", "bybit", "okx")
FRAMES = 400


@dataclass(frozen=True)
class Record:
    value: bytes
    offset: int
    topic: str
    headers: Headers
    partition: int = 0
    timestamp: int = 1_783_500_000_000


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(exchanges=EXCHANGES, sink_raw_archive=True, sink_batch_seconds=0.1)


@pytest.fixture
def database(settings: Settings) -> Iterator[Client]:
    with closing(connect(settings, use_database=False)) as client:
        migrate(client, settings.clickhouse_database)
        client.database = settings.clickhouse_database
        yield client
        client.command(f"DROP DATABASE {settings.clickhouse_database}")


def liq(settings: Settings, *arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "liq.cli.main", *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, **worker_environment(settings)},
        check=True,
        timeout=60,
    )
    return done.stdout


@pytest.mark.slow
def test_the_archive_gives_the_frames_and_the_events_that_kafka_gives(
    settings: Settings,
    database: Client,
    tmp_path: Path,
    run_worker: RunWorker,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    capture = tmp_path / "part.jsonl"
    with gzip.open(CAPTURE) as lines:
        capture.write_bytes(b"".join(line for line, _ in zip(lines, range(FRAMES), strict=False)))
    liq(settings, "topics")
    run_worker("sink", "clickhouse", settings=settings)
    liq(settings, "replay", str(capture), "--speed", "max")

    def all_archived() -> bool:
        found = database.query("SELECT count() FROM raw_frames FINAL").result_rows[0][0]
        return bool(found == FRAMES)

    wait_until(all_archived)
    events = 0
    for exchange in EXCHANGES:
        topic = settings.topics.raw(exchange)
        from_kafka = liq(settings, "export", topic)
        from_archive = liq(settings, "export", topic, "--archive")
        assert sorted(from_archive.splitlines()) == sorted(from_kafka.splitlines())
        first, again = (
            liq(settings, "normalize", stdin=text) for text in (from_kafka, from_archive)
        )
        ids = [orjson.loads(line)["event_id"] for line in first.splitlines()]
        assert sorted(ids) == sorted(orjson.loads(line)["event_id"] for line in again.splitlines())
        events += len(ids)
        only = liq(settings, "export", topic, "--archive", "--partition", "0").splitlines()
        assert {orjson.loads(line)["source"]["partition"] for line in only} <= {0}
    assert events > FRAMES / 2


def test_a_frame_of_any_bytes_comes_back_as_it_was(settings: Settings, database: Client) -> None:
    topic = settings.topics.raw("okx")
    frames = [b"\xff\xfe\x00", "é\n".encode(), b"", b'{"a":1}']
    rates = b"BTC=64000.5@20000"
    headers = FrameHeaders("okx", "orders", 1_783_500_000_123_456_789, "c1", 0, rates).encode()
    records = [
        Record(frame, offset=number, topic=topic, headers=headers)
        for number, frame in enumerate(frames)
    ]
    # Twice, as after a redelivery.
    for _ in range(2):
        assert insert(database, encode(RAW_FRAMES, records)) == []
    found = list(archived_frames(database, topic, None))
    assert [frame.frame for frame in found] == frames
    assert {frame.received_at_ns for frame in found} == {1_783_500_000_123_456_789}
    assert {frame.rates for frame in found} == {"BTC=64000.5@20000"}
    assert [frame.source.offset for frame in found] == [0, 1, 2, 3]
    assert list(archived_frames(database, topic, 1)) == []


def test_only_raw_topics_are_archived(settings: Settings) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        liq(settings, "export", settings.topics.events, "--archive")
    assert refused.value.returncode == 2
    assert b"only raw topics are archived" in refused.value.stderr
