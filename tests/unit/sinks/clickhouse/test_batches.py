"""When a batch closes, what it commits and what a failure means."""

import asyncio
import threading
from dataclasses import dataclass

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from liq.schemas.headers import Headers
from liq.sinks.clickhouse.batcher import MAX_BATCH_BYTES, Batch
from liq.sinks.clickhouse.failures import Kind, classify
from liq.sinks.clickhouse.migrations import known_migrations, parse_migration
from liq.sinks.clickhouse.tables import FEEDS
from liq.sinks.clickhouse.threads import in_thread

STATUS = (
    b'{"exchange":"okx","feed":"f","connection":"c","event":"gap","timestamp_ms":1783500000000,'
    b'"detail":"%s"}'
)

REPEATABLE = ("CREATE OR REPLACE VIEW", "IF NOT EXISTS", "MODIFY COLUMN")


@dataclass(frozen=True)
class Record:
    offset: int
    value: bytes | None = STATUS % b""
    partition: int = 0
    topic: str = "liquidations.feeds"
    timestamp: int = 1_783_500_000_000
    headers: Headers = ()


def test_an_empty_batch_is_never_due() -> None:
    assert not Batch().is_due(max_records=1, max_age_seconds=0.0, now=1e9)


def test_a_batch_is_due_at_its_size() -> None:
    batch = Batch()
    for offset in range(3):
        assert not batch.is_due(max_records=3, max_age_seconds=60, now=100.0)
        batch.add(FEEDS, [Record(offset)], now=100.0)
    assert batch.is_due(max_records=3, max_age_seconds=60, now=100.0)


def test_a_batch_is_due_at_the_age_of_its_first_record() -> None:
    batch = Batch()
    batch.add(FEEDS, [Record(0)], now=100.0)
    batch.add(FEEDS, [Record(1)], now=100.9)
    assert not batch.is_due(max_records=10, max_age_seconds=1.0, now=100.99)
    assert batch.is_due(max_records=10, max_age_seconds=1.0, now=101.0)


def test_a_batch_is_full_at_its_bytes() -> None:
    batch = Batch()
    batch.add(FEEDS, [Record(0, STATUS % (b"x" * MAX_BATCH_BYTES))], now=0.0)
    assert batch.is_full(max_records=1000)


def test_heartbeats_and_what_cannot_be_decoded_move_offsets_too() -> None:
    batch = Batch()
    batch.add(FEEDS, [Record(5), Record(6, None)], now=0.0)
    batch.add(FEEDS, [Record(9, b"{", partition=1)], now=0.0)
    batch.add(FEEDS, [], now=0.0)
    assert batch.offsets == {("liquidations.feeds", 0): 7, ("liquidations.feeds", 1): 10}
    assert (batch.count, batch.row_count) == (3, 2)


@pytest.mark.parametrize(
    ("error", "kind", "label"),
    [
        (DatabaseError("cannot parse", code=27), Kind.ROW, "code_27"),
        (DatabaseError("unknown enum", code=691), Kind.ROW, "code_691"),
        (DatabaseError("the operator's own check", code=469), Kind.ROW, "code_469"),
        (DatabaseError("memory limit", code=241), Kind.RETRY, "code_241"),
        (DatabaseError("too many parts", code=252), Kind.RETRY, "code_252"),
        (DatabaseError("a code of tomorrow", code=99999), Kind.RETRY, "code_99999"),
        (DatabaseError("unknown table", code=60), Kind.SETUP, "code_60"),
        (DatabaseError("read-only", code=164), Kind.SETUP, "code_164"),
        (DatabaseError("wrong password", code=516), Kind.SETUP, "code_516"),
        (DatabaseError("HTTP driver received HTTP status 404"), Kind.RETRY, "unreachable"),
        (OperationalError("connection reset"), Kind.RETRY, "unreachable"),
    ],
)
def test_only_an_error_in_the_data_condemns_a_row(
    error: DatabaseError, kind: Kind, label: str
) -> None:
    failure = classify(error)
    assert (failure.kind, failure.label) == (kind, label)
    assert str(error) in failure.sentence


async def test_a_blocking_call_gives_its_result_or_its_error() -> None:
    assert await in_thread(lambda: 42) == 42

    def fail() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await in_thread(fail)


async def test_a_call_that_hangs_does_not_hold_up_whoever_gives_up_on_it() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await in_thread(release.wait)
    hanging = [thread for thread in threading.enumerate() if thread.name == "clickhouse"]
    assert hanging
    assert all(thread.daemon for thread in hanging)
    release.set()
    for thread in hanging:
        thread.join()
    await asyncio.sleep(0)  # the late result is dropped without an error


def test_a_migration_is_split_at_semicolons_that_end_a_line() -> None:
    text = "-- a note; with a semicolon;\nSELECT 'a;b';\n\n-- more\nSELECT 2\n;\n"
    migration = parse_migration("0007_some_name.sql", text)
    assert (migration.version, migration.name) == (7, "some_name")
    assert migration.statements == ("SELECT 'a;b'", "SELECT 2")


def test_a_migration_has_a_number_and_a_name() -> None:
    with pytest.raises(ValueError, match="name migrations like"):
        parse_migration("7-tables.sql", "SELECT 1;")


def test_migrations_have_numbers_of_their_own_and_are_safe_to_run_again() -> None:
    migrations = known_migrations()
    assert len({item.version for item in migrations}) == len(migrations)
    for statement in (text for item in migrations for text in item.statements):
        beginning = " ".join(statement.split("\n")[:2])
        assert any(words in beginning for words in REPEATABLE), beginning
