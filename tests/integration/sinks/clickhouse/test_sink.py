"""The loader against a real broker and the real engine: nothing is lost, nothing doubled."""

import asyncio
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.health import Health
from liq.runtime.kafka import new_admin, new_consumer, start_consumer
from liq.runtime.metrics import RECORDS_IN, SINK_BUFFERED, SINK_SKIPPED
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.records import Source
from liq.schemas.vocabulary import AlertType
from liq.sinks.clickhouse.destination import STAGE, ClickHouseDestination
from liq.sinks.clickhouse.tables import tables_by_topic
from liq.sinks.worker import run
from tests.support import sample_records
from tests.support.clickhouse_sink import (
    DEADLINE_SECONDS,
    alert,
    committed,
    committed_total,
    count,
    eventually,
    liquidation,
    publish,
    running_sink,
)
from tests.support.sample_records import STARTED_AT_MS

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker", "clickhouse")]


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
