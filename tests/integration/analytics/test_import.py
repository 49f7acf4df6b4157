"""`liq import` into ClickHouse and Kafka: every event once, live rows kept, history only."""

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.schemas.codec import decode, encode
from liq.schemas.headers import HEARTBEAT_KEY, heartbeat_headers
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Arrival, Side
from tests.integration.analytics.conftest import NewWarehouse, Warehouse
from tests.support.analytics_data import events
from tests.support.archive_files import AGENTFEED, TARDIS
from tests.support.pipeline_log import offline_alerts, run_offline, values

pytestmark = pytest.mark.integration

NAME = "bybit_liquidations_2026-07-09_PERPETUALS.csv"


def agentfeed(found: list[Liquidation]) -> str:
    rows = [
        f"{event.timestamp_ms},x,{event.symbol},{event.exchange},"
        f"{'long' if event.side is Side.LONG else 'short'}_liquidated,"
        f"{event.quantity:f},{event.price:f},0"
        for event in sorted(found, key=lambda event: event.timestamp_ms)
    ]
    return "\n".join([AGENTFEED, *rows])


def tardis_row(event: Liquidation, amount: str) -> str:
    side = "sell" if event.side is Side.LONG else "buy"
    times = f"{event.timestamp_ms}000,{event.received_at_ms}417"
    return f"bybit,{event.native_symbol},{times},,{side},{event.price:f},{amount}"


def run_import(settings: Settings, path: Path, goal: str) -> str:
    journal = path.with_suffix(".journal")
    done = run_offline(settings, "import", str(path), "--to", goal, "--journal", str(journal))
    assert done.returncode == 0, done.stderr
    return done.stderr.decode()


def rows(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    result = warehouse.client.query(
        "SELECT event_id, arrival, value_usd, raw_topic, raw_offset FROM liquidations FINAL"
    )
    found = list(result.named_results())
    assert len({row["event_id"] for row in found}) == len(found)
    return {row["event_id"]: row for row in found}


def test_clickhouse_gets_what_it_has_not_and_keeps_what_it_has(
    new_warehouse: NewWarehouse, tmp_path: Path
) -> None:
    warehouse = new_warehouse()
    live = [event for event in events() if event.exchange == "bybit"][:400]
    seen, missed = live[:300], live[300:]
    warehouse.load({warehouse.settings.topics.events: [encode(event) for event in seen]})

    path = tmp_path / "agentfeed.csv"
    path.write_text(agentfeed(live))
    said = run_import(warehouse.settings, path, "clickhouse")
    stored = rows(warehouse)
    # A row of the archive that the live feed told of is there, as it was.
    assert {name for name, row in stored.items() if row["arrival"] == "live"} == {
        event.event_id for event in seen
    }
    imported = [row for row in stored.values() if row["arrival"] == "imported"]
    assert len(stored) == len(live), said
    assert "300 were there already" in said
    assert {row["raw_topic"] for row in imported} == {
        f"import:agentfeed:{path.parent.name}/agentfeed.csv"
    }
    total = sum((row["value_usd"] for row in stored.values()), Decimal(0))
    assert total == sum(event.value_usd for event in live)

    # Another archive of the same: other ids, for its numbers have zeros at their ends.
    again = tmp_path / NAME
    again.write_text("\n".join([TARDIS, *(tardis_row(e, f"{e.quantity:.9f}") for e in missed)]))
    assert "0 events stored" in run_import(warehouse.settings, again, "clickhouse")
    assert rows(warehouse) == stored
    assert "imported before" in run_import(warehouse.settings, path, "clickhouse")


def test_an_export_of_one_system_is_an_import_of_another(
    captured: Warehouse, new_warehouse: NewWarehouse, tmp_path: Path
) -> None:
    period = ("--since", "2026-07-10", "--until", "2026-07-11")
    exported = run_offline(
        captured.settings,
        "export",
        captured.settings.topics.events,
        "--format",
        "parquet",
        "--to",
        str(tmp_path),
        *period,
    )
    assert exported.returncode == 0, exported.stderr
    other = new_warehouse()
    run_import(other.settings, tmp_path, "clickhouse")
    columns = (
        "event_id, timestamp, received_at, exchange, symbol, native_symbol, side, price, quantity,"
        " value_usd, completeness, price_kind, contract_version, liquidated_user"
    )
    question = f"SELECT {columns} FROM liquidations FINAL WHERE toDate(timestamp) = '2026-07-10'"  # noqa: S608
    [ours, theirs] = [
        Counter(warehouse.client.query(question).result_rows) for warehouse in (other, captured)
    ]
    assert ours == theirs
    assert len(ours) > 1_000


def test_events_through_kafka_are_history_to_detection(
    new_warehouse: NewWarehouse, tmp_path: Path
) -> None:
    settings = new_warehouse().settings
    topic = settings.topics.events
    live = [event for event in events() if event.received_at_ms >= 1_783_640_000_000][:1_500]

    async def publish(found: list[Liquidation]) -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        for event in found:
            await producer.send(topic, encode(event), key=event.base.encode())
        await producer.flush()
        clock_ms = found[-1].received_at_ms
        for partition in await producer.partitions_for(topic):
            headers = heartbeat_headers(clock_ms)
            await producer.send_and_wait(topic, None, HEARTBEAT_KEY, partition, headers=headers)
        await producer.stop()

    asyncio.run(publish(live[:800]))
    path = tmp_path / "agentfeed.csv"
    # What others saw of the same hours, a tenth of it unknown here.
    path.write_text(agentfeed([event for event in live if event.exchange == "bybit"]))
    run_import(settings, path, "kafka")
    asyncio.run(publish(live[800:]))
    with_import = offline_alerts(settings)

    alone = new_warehouse().settings
    settings = alone
    topic = alone.topics.events
    asyncio.run(publish(live[:800]))
    asyncio.run(publish(live[800:]))
    assert with_import == offline_alerts(alone)
    assert with_import
    assert values(alone, alone.topics.large) == []


def test_an_imported_event_says_so_on_the_topic(
    new_warehouse: NewWarehouse, tmp_path: Path
) -> None:
    settings = new_warehouse().settings
    path = tmp_path / NAME
    path.write_text("\n".join([TARDIS, tardis_row(events()[0], "0.5")]))
    run_import(settings, path, "kafka")
    [value] = values(settings, settings.topics.events)
    event = decode(Liquidation, value)
    assert event.arrival is Arrival.IMPORTED
    assert event.source is not None
    assert event.source.topic.startswith("import:tardis:")
    assert values(settings, settings.topics.large) == []


def test_a_copy_that_kafka_brings_does_not_replace_the_live_event(
    new_warehouse: NewWarehouse,
) -> None:
    warehouse = new_warehouse()
    topic = warehouse.settings.topics.events
    live = events()[:50]
    late = [replace(event, arrival=Arrival.IMPORTED) for event in events()[25:75]]
    warehouse.load({topic: [encode(event) for event in live]})
    warehouse.load({topic: [encode(event) for event in late]})
    arrivals = {name: row["arrival"] for name, row in rows(warehouse).items()}
    assert arrivals == {event.event_id: "imported" for event in late} | {
        event.event_id: "live" for event in live
    }
