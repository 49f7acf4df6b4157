"""The loader against a real broker and the real engine: nothing is lost, nothing doubled."""

import asyncio
import json
import urllib.request
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from clickhouse_connect.driver.client import Client

from liq.devstack.warehouse import WarehouseAddress
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.health import Health
from liq.runtime.kafka import new_admin, new_consumer, new_producer, start_consumer
from liq.runtime.metrics import (
    RECORDS_IN,
    SINK_BREAKER,
    SINK_BUFFERED,
    SINK_RETRIES,
    SINK_ROWS,
    SINK_SKIPPED,
)
from liq.runtime.partitions import committed_offsets
from liq.runtime.retry import BreakerState
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.headers import HEARTBEAT_KEY, heartbeat_headers
from liq.schemas.records import CascadeAlert, Liquidation, Source
from liq.schemas.vocabulary import AlertType, Side
from liq.sinks.clickhouse import client as client_module
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.destination import STAGE, ClickHouseDestination
from liq.sinks.clickhouse.migrations import migrate
from liq.sinks.clickhouse.tables import tables_by_topic
from liq.sinks.worker import run
from tests.support import sample_records
from tests.support.clickhouse_child import ClickHouseChild
from tests.support.running_sink import running_sink as running_destination
from tests.support.sample_records import STARTED_AT_MS

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker", "clickhouse")]

DEADLINE_SECONDS = 90.0

Values = Sequence[bytes | None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseChild]:
    options = ["--allow-fault-injection"]
    with ClickHouseChild(tmp_path_factory.mktemp("clickhouse"), options=options) as started:
        yield started


@pytest.fixture(scope="module")
def clickhouse(server: ClickHouseChild) -> WarehouseAddress:
    """Instead of the session's ClickHouse: one that can be told to fail."""
    url = f"http://127.0.0.1:{server.port}"
    return WarehouseAddress(url, {"CLICKHOUSE_URL": url})


@pytest.fixture
def faults(clickhouse: WarehouseAddress) -> Iterator[Callable[..., None]]:
    """Order a fault; all are lifted after the test. Without arguments: lift them now."""

    def order(**rule: Any) -> None:
        request = urllib.request.Request(
            f"{clickhouse.url}/__fault",
            data=json.dumps(rule).encode() if rule else None,
            method="POST" if rule else "DELETE",
        )
        urllib.request.urlopen(request, timeout=10).close()

    yield order
    order()


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(sink_batch_rows=100, sink_batch_seconds=0.1)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Client]:
    """A migrated database and the topics of a test; gives a client of its own."""
    await ensure_topics(settings, ())
    client = connect(settings, use_database=False)
    migrate(client, settings.clickhouse_database)
    client.database = settings.clickhouse_database
    yield client
    client.command(f"DROP DATABASE {settings.clickhouse_database}")
    client.close()


def liquidation(number: int, **changes: Any) -> Liquidation:
    """An event of BTC; each exchange has one side only."""
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "base": "BTC",
        "side": Side.LONG if number % 3 else Side.SHORT,
    }
    return replace(sample_records.liquidation(number), **(values | changes))


def alert(sequence: int, kind: AlertType, **changes: Any) -> CascadeAlert:
    """One of the alerts of a single cascade."""
    return replace(
        sample_records.alert(),
        alert_id=f"alert-{sequence}",
        cascade_id="cascade-1",
        sequence=sequence,
        type=kind,
        timestamp_ms=STARTED_AT_MS + 1000 * sequence,
        event_count=10 + sequence,
        **changes,
    )


async def publish(settings: Settings, topic: str, values: Values) -> None:
    """Send values in order, spread over the partitions; None is a heartbeat."""
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for number, value in enumerate(values):
            await producer.send(
                topic,
                value,
                key=HEARTBEAT_KEY if value is None else None,
                partition=number % settings.topic_partitions,
                headers=heartbeat_headers(STARTED_AT_MS) if value is None else [],
            )
        await producer.flush()
    finally:
        await producer.stop()


async def committed(settings: Settings) -> dict[TopicPartition, int]:
    admin: AIOKafkaAdminClient = new_admin(settings, "test")
    await admin.start()
    try:
        offsets = await committed_offsets(admin, settings.group(STAGE))
        return {partition: offset for partition, offset in offsets.items() if offset > 0}
    finally:
        await admin.close()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.05)


def running_sink(settings: Settings) -> AbstractAsyncContextManager[Health]:
    """The sink of ClickHouse in this process."""
    return running_destination(settings, ClickHouseDestination(settings))


def count(client: Client, table: str) -> int:
    return int(client.query(f"SELECT count() FROM {table} FINAL").result_rows[0][0])  # noqa: S608


async def committed_total(settings: Settings) -> int:
    return sum((await committed(settings)).values())


async def test_every_event_counts_once_whatever_offsets_it_came_under(
    settings: Settings, database: Client
) -> None:
    events = [encode(liquidation(number)) for number in range(300)]
    # Heartbeats between them, and every third event again under a new offset.
    values = [*events[:150], *[None] * 50, *events[150:], *events[::3]]
    await publish(settings, settings.topics.events, values)
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == len(values)

        await eventually(all_committed)
    assert count(database, "liquidations") == 300
    by_venue_side = database.query(
        "SELECT exchange, side, events, value_usd FROM liquidations_by_venue_side ORDER BY exchange"
    ).result_rows
    dust = Decimal("0.0000000001")  # a hundred times the last of twelve decimals
    assert by_venue_side == [
        ("binance", "SHORT", 100, sum(range(0, 300, 3)) + dust),
        ("bybit", "LONG", 100, sum(range(1, 300, 3)) + dust),
        ("okx", "LONG", 100, sum(range(2, 300, 3)) + dust),
    ]
    minutes = database.query("SELECT sum(events), sum(value_usd) FROM liquidation_minutes")
    assert minutes.result_rows == [(300, sum(range(300)) + 3 * dust)]


async def test_every_kind_of_record_is_stored_field_by_field(
    settings: Settings, database: Client
) -> None:
    event = liquidation(7, liquidated_user="0xabc", is_institutional=True)
    # One coin of a contract that holds ten million, and the eighteenth decimal.
    event = replace(event, price=Decimal("9.234E-11"), price_level=Decimal("0.000000000000000001"))
    rejected = replace(
        sample_records.rejection(), payload=b"\xff\x00{", source=Source("raw.okx", 2, 99)
    )
    gap = sample_records.feed_status(5_000)
    topics = settings.topics
    await publish(settings, topics.events, [encode(event)])
    alerts = [alert(0, AlertType.DETECTED), alert(1, AlertType.ENDED, ended_at_ms=STARTED_AT_MS)]
    await publish(settings, topics.cascades, [encode(item) for item in [*alerts, *alerts]])
    # The same rejection under two offsets of our topic is one: it is known by the raw frame.
    await publish(settings, topics.rejected, [encode(rejected), encode(rejected)])
    await publish(settings, topics.feeds, [encode(gap)])
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == 8

        await eventually(all_committed)
    [row] = database.query("SELECT * FROM liquidations FINAL").named_results()
    assert row["timestamp"].replace(tzinfo=UTC).timestamp() * 1000 == event.timestamp_ms
    assert row["received_at"].replace(tzinfo=UTC).timestamp() * 1000 == event.received_at_ms
    for name in ("price", "quantity", "value_usd", "price_level"):
        assert row[name] == getattr(event, name)
    [seen] = database.query("SELECT price, price_level FROM liquidation_events").result_rows
    assert seen == (event.price, event.price_level)
    assert (row["side"], row["exchange"], row["event_id"]) == ("LONG", "bybit", f"{7:032x}")
    assert (row["liquidated_user"], row["liquidator"]) == ("0xabc", None)
    assert (row["is_institutional"], row["price_kind"]) == (True, "bankruptcy")
    assert (row["src_topic"], row["src_partition"], row["src_offset"]) == (topics.events, 0, 0)
    assert (row["raw_topic"], row["raw_partition"], row["raw_offset"]) == ("raw.okx", 1, 7)
    assert count(database, "cascades") == 2
    [cascade] = database.query("SELECT * FROM cascades_latest").named_results()
    assert (cascade["type"], cascade["sequence"], cascade["is_open"]) == ("CASCADE_ENDED", 1, 0)
    assert (cascade["exchanges"], cascade["score_breadth"]) == (["binance", "okx"], 0.5)
    [refusal] = database.query(
        "SELECT reason, stage, payload_base64, raw_offset FROM rejected FINAL"
    ).result_rows
    assert refusal == ("not_json", "normalize", "/wB7", 99)
    [status] = database.query("SELECT event, gap_to - gap_from FROM feeds FINAL").result_rows
    assert status == ("gap", 5)


async def test_an_undecodable_record_is_kept_as_rejected_beside_its_neighbours(
    settings: Settings, database: Client
) -> None:
    without_price = encode(liquidation(1)).replace(b'"price":', b'"cost":')
    too_large = encode(liquidation(2, value_usd=Decimal(10) ** 40))
    bad = [b"\xff not JSON", without_price, too_large, b"[]"]
    good = [encode(liquidation(number)) for number in range(10, 50)]
    await publish(settings, settings.topics.events, [*good[:20], *bad, *good[20:]])
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == len(good) + len(bad)

        await eventually(all_committed)
    assert count(database, "liquidations") == len(good)
    rows = database.query(
        "SELECT stage, reason, detail, payload_base64, raw_topic FROM rejected FINAL"
    ).result_rows
    assert {b64decode(row[3]) for row in rows} == set(bad)
    assert {row[:2] for row in rows} == {("sink", "undecodable_record")}
    assert {row[4] for row in rows} == {settings.topics.events}
    assert "liquidations: price: missing" in {row[2] for row in rows}


async def test_a_row_that_only_clickhouse_refuses_is_rejected_alone(
    settings: Settings, database: Client
) -> None:
    database.command("ALTER TABLE liquidations ADD CONSTRAINT sane CHECK price < 100000")
    odd = encode(liquidation(1, price=Decimal(100_001)))
    good = [encode(liquidation(number)) for number in range(10, 50)]
    await publish(settings, settings.topics.events, [*good[:20], odd, *good[20:]])
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == len(good) + 1

        await eventually(all_committed)
    assert count(database, "liquidations") == len(good)
    [row] = database.query("SELECT reason, payload_base64 FROM rejected FINAL").result_rows
    assert (row[0], b64decode(row[1])) == ("refused_by_clickhouse", odd)


async def test_a_topic_full_of_something_else_stops_the_sink_and_moves_no_offset(
    settings: Settings, database: Client
) -> None:
    await publish(settings, settings.topics.events, [b'{"another": "schema"}'] * 800)
    with pytest.raises(ConfigurationError, match="wrong deployment"):
        async with asyncio.timeout(DEADLINE_SECONDS):
            await run(settings, Health(), asyncio.Event(), ClickHouseDestination(settings))
    assert await committed(settings) == {}
    assert count(database, "rejected") == 0


async def test_how_much_may_be_rejected_is_a_setting(
    make_settings: Callable[..., Settings], settings: Settings, database: Client
) -> None:
    tolerant = make_settings(sink_max_rejected_share=1.0)
    await publish(settings, settings.topics.events, [b'{"another": "schema"}'] * 300)
    async with running_sink(tolerant):

        async def all_committed() -> bool:
            return await committed_total(settings) == 300

        await eventually(all_committed)
    assert count(database, "rejected") == 300


@pytest.fixture
def impatient_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_TIMEOUT_SECONDS", 1)


@pytest.mark.usefixtures("impatient_client")
@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"kind": "status", "argument": 503}, "503"),
        ({"kind": "status", "argument": 404}, "404"),
        ({"kind": "status", "argument": 429}, "429"),
        ({"kind": "exception", "argument": 60}, "code: 60"),
        ({"kind": "exception", "argument": 164}, "code: 164"),
        ({"kind": "exception", "argument": 241}, "code: 241"),
        ({"kind": "exception", "argument": 252}, "code: 252"),
        ({"kind": "exception", "argument": 516}, "code: 516"),
        ({"kind": "reset_before"}, "cannot be reached"),
        ({"kind": "reset_mid_body"}, "cannot be reached"),
        ({"kind": "reset_after"}, "cannot be reached"),
        ({"kind": "hang_before"}, "cannot be reached"),
        ({"kind": "hang_after"}, "cannot be reached"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
async def test_clickhouse_failing_moves_no_offset_and_loses_no_row(
    settings: Settings,
    database: Client,
    faults: Callable[..., None],
    rule: dict[str, Any],
    reason: str,
) -> None:
    events = [encode(liquidation(number)) for number in range(1000)]
    faults(match="INSERT INTO", times=None, **rule)
    await publish(settings, settings.topics.events, events)
    async with running_sink(settings) as health:

        async def says_why() -> bool:
            condition = health.conditions["clickhouse"]
            return not condition.holds and reason in condition.reason

        await eventually(says_why)
        assert not health.ready
        assert breaker_states() in ({"open"}, {"half_open"})
        assert await committed(settings) == {}
        faults()

        async def all_committed() -> bool:
            return await committed_total(settings) == len(events)

        await eventually(all_committed)
        assert health.ready
        assert breaker_states() == {"closed"}
    assert count(database, "liquidations") == len(events)


def breaker_states() -> set[str]:
    return {state for state in BreakerState if SINK_BREAKER.labels(state)._value.get() == 1}


async def test_an_answer_that_is_lost_is_repeated_by_us_and_counted(
    settings: Settings, database: Client, faults: Callable[..., None]
) -> None:
    """The client by itself would send the rows again without a word."""
    retries = SINK_RETRIES.labels("unreachable")._value
    retries_before = retries.get()
    faults(match="INSERT INTO", times=1, kind="reset_after")
    await publish(settings, settings.topics.events, [encode(liquidation(n)) for n in range(50)])
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == 50

        await eventually(all_committed)
    assert retries.get() - retries_before == 1
    assert count(database, "liquidations") == 50


STORED_ROWS = {"liquidations": 8, "cascades": 2, "feeds": 1}


@pytest.mark.parametrize("failing", STORED_ROWS)
@pytest.mark.usefixtures("database")
async def test_a_retry_goes_on_with_the_table_that_failed(
    make_settings: Callable[..., Settings], faults: Callable[..., None], failing: str
) -> None:
    """The other tables of the batch are not stored a second time."""
    settings = make_settings(sink_batch_seconds=1)
    topics = settings.topics
    rows_before = {table: SINK_ROWS.labels(table)._value.get() for table in STORED_ROWS}
    faults(match=f"INSERT INTO.*{failing}", times=3, kind="status", argument=503)
    await publish(settings, topics.events, [encode(liquidation(n)) for n in range(8)])
    await publish(settings, topics.cascades, [encode(alert(n, AlertType.DETECTED)) for n in (0, 1)])
    await publish(settings, topics.feeds, [encode(sample_records.feed_status(5_000))])
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == sum(STORED_ROWS.values())

        await eventually(all_committed)
    for table, rows in STORED_ROWS.items():
        assert SINK_ROWS.labels(table)._value.get() - rows_before[table] == rows


async def test_a_stop_while_clickhouse_is_away_leaves_the_rest_to_the_next_run(
    settings: Settings, database: Client, faults: Callable[..., None]
) -> None:
    events = [encode(liquidation(number)) for number in range(300)]
    await publish(settings, settings.topics.events, events)
    faults(match="INSERT INTO", times=None, kind="status", argument=503)
    async with running_sink(settings) as health:

        async def is_in_trouble() -> bool:
            return "503" in health.conditions["clickhouse"].reason

        await eventually(is_in_trouble)
    assert await committed(settings) == {}
    faults()
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == len(events)

        await eventually(all_committed)
    assert count(database, "liquidations") == len(events)


async def test_a_stop_stores_and_commits_what_is_buffered(
    make_settings: Callable[..., Settings], settings: Settings, database: Client
) -> None:
    patient = make_settings(sink_batch_rows=100_000, sink_batch_seconds=60)
    await publish(settings, settings.topics.events, [encode(liquidation(n)) for n in range(40)])
    async with running_sink(patient):

        async def all_buffered() -> bool:
            return bool(SINK_BUFFERED._value.get() == 40)

        await eventually(all_buffered)
        assert count(database, "liquidations") == 0
    assert count(database, "liquidations") == 40
    assert await committed_total(settings) == 40


async def test_records_that_are_stored_already_are_not_sent_again(
    settings: Settings, database: Client
) -> None:
    skipped = SINK_SKIPPED.labels("liquidations")._value
    skipped_before = skipped.get()
    for numbers, total in ((range(200), 200), (range(200, 260), 260)):
        await publish(settings, settings.topics.events, [encode(liquidation(n)) for n in numbers])

        async def all_committed(total: int = total) -> bool:
            return await committed_total(settings) == total

        async with running_sink(settings):
            await eventually(all_committed)
        if total == 200:
            await rewind(settings)
    assert skipped.get() - skipped_before == 200
    assert count(database, "liquidations") == 260


async def test_a_restart_resumes_where_the_last_run_ended(
    settings: Settings, database: Client
) -> None:
    records_in = RECORDS_IN.labels(settings.topics.events)._value
    for numbers, total in ((range(90), 90), (range(90, 150), 150)):
        await publish(settings, settings.topics.events, [encode(liquidation(n)) for n in numbers])

        async def all_committed(total: int = total) -> bool:
            return await committed_total(settings) == total

        async with running_sink(settings):
            await eventually(all_committed)
    assert records_in.get() == 150
    assert count(database, "liquidations") == 150


async def rewind(settings: Settings) -> None:
    """Set the group back to the beginning, as if its commits after the inserts had been lost."""
    consumer = new_consumer(
        settings, *tables_by_topic(settings.topics), group=settings.group(STAGE)
    )
    await start_consumer(settings, consumer)

    async def is_member() -> bool:
        return bool(consumer.assignment())

    try:
        await eventually(is_member)
        await consumer.commit(dict.fromkeys(consumer.assignment(), 0))
    finally:
        await consumer.stop()
    assert await committed(settings) == {}


async def test_a_recreated_topic_is_not_taken_for_stored(
    settings: Settings, database: Client
) -> None:
    """Rows of an older topic with the same offsets (and even the same ids) don't hide new ones."""
    old = [encode(liquidation(number)) for number in range(80)]
    new = [encode(liquidation(number, is_institutional=True)) for number in range(80)]
    await publish(settings, settings.topics.events, old)

    async def all_committed() -> bool:
        return await committed_total(settings) == 80

    async with running_sink(settings):
        await eventually(all_committed)
    await recreate(settings, settings.topics.events)
    await rewind(settings)
    await publish(settings, settings.topics.events, new)
    async with running_sink(settings):
        await eventually(all_committed)
    [(rows, institutional)] = database.query(
        "SELECT count(), countIf(is_institutional) FROM liquidations FINAL"
    ).result_rows
    assert (rows, institutional) == (80, 80)


async def recreate(settings: Settings, topic: str) -> None:
    admin = new_admin(settings, "test")
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()
    await ensure_topics(settings, ())


async def test_a_database_without_tables_is_refused_with_a_sentence(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="liq migrate"):
        await run(settings, Health(), asyncio.Event(), ClickHouseDestination(settings))


@pytest.mark.usefixtures("database")
async def test_a_broker_that_does_not_answer_ends_the_sink_with_a_sentence(
    make_settings: Callable[..., Settings],
) -> None:
    nowhere = make_settings(kafka_bootstrap_servers="127.0.0.1:1")
    with pytest.raises(DependencyError, match="KAFKA_BOOTSTRAP_SERVERS"):
        await run(nowhere, Health(), asyncio.Event(), ClickHouseDestination(nowhere))


async def test_the_sink_waits_for_a_clickhouse_that_is_not_up_yet(
    make_settings: Callable[..., Settings],
) -> None:
    async with running_sink(make_settings(clickhouse_url="http://127.0.0.1:1")) as health:

        async def says_why() -> bool:
            return "cannot be reached" in health.conditions["clickhouse"].reason

        await eventually(says_why)
        assert not health.ready
