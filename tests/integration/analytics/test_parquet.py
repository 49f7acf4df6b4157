"""`liq export --format parquet`: every record once, exact, a file for each day."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from liq.schemas.codec import decode, encode
from liq.schemas.records import CascadeAlert
from tests.integration.analytics.conftest import NewWarehouse, Warehouse
from tests.support.analytics_data import events, stored_alerts
from tests.support.pipeline_log import run_offline

pytestmark = pytest.mark.integration

SINCE, UNTIL = "2026-07-08", "2026-07-11"
DAYS = ["2026-07-08", "2026-07-09", "2026-07-10"]


def export(warehouse: Warehouse, topic: str, directory: Path, *more: str) -> str:
    """Export and return what the command said."""
    arguments = ["--format", "parquet", "--to", str(directory), *more]
    done = run_offline(warehouse.settings, "export", topic, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def period(*days: str) -> tuple[str, ...]:
    since, until = days
    return ("--since", since, "--until", until)


def files(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*.*"))


def test_every_liquidation_is_in_the_file_of_its_day_with_every_digit(
    captured: Warehouse, tmp_path: Path
) -> None:
    export(captured, captured.settings.topics.events, tmp_path, *period(SINCE, UNTIL))
    assert [path.parent.name for path in files(tmp_path)] == [f"date={day}" for day in DAYS]
    rows = [row for path in files(tmp_path) for row in pq.read_table(path).to_pylist()]
    expected = {
        event.event_id: event for event in events() if event.timestamp_ms >= 1_783_468_800_000
    }
    assert Counter(row["event_id"] for row in rows) == Counter(list(expected))
    for row in rows:
        event = expected[row["event_id"]]
        assert (row["value_usd"], row["price"]) == (event.value_usd, event.price)
        assert (row["exchange"], row["side"]) == (event.exchange, event.side)
        assert int(row["timestamp"].timestamp() * 1000 + 0.5) == event.timestamp_ms
        assert event.timestamp_ms // 86_400_000 == row["timestamp"].toordinal() - 719_163
    schema = pq.read_schema(files(tmp_path)[0])
    assert schema.field("value_usd").type == pa.decimal128(38, 12)
    assert schema.field("timestamp").type == pa.timestamp("ms", tz="UTC")
    assert schema.field("side").type == pa.string()


def test_copies_and_rows_that_no_market_has_are_left_out(
    new_warehouse: NewWarehouse, tmp_path: Path
) -> None:
    warehouse = new_warehouse()
    topics = warehouse.settings.topics
    values = [encode(event) for event in events()[-50:]]
    warehouse.client.command("SYSTEM STOP MERGES")
    try:
        warehouse.load({topics.events: values})
        warehouse.load({topics.events: values})
        warehouse.client.command(
            "INSERT INTO liquidations (timestamp, exchange, symbol, side, value_usd, event_id)"
            " VALUES ('2026-07-10 10:00:00', 'x', 'y', 'LONG', 1e20, 'glitch')"
        )
        export(warehouse, topics.events, tmp_path, *period(SINCE, UNTIL))
    finally:
        warehouse.client.command("SYSTEM START MERGES")
    tables = [pq.read_table(path) for path in files(tmp_path)]
    ids = [each for table in tables for each in table["event_id"].to_pylist()]
    assert sorted(ids) == sorted(event.event_id for event in events()[-50:])


def test_alerts_are_exported_with_their_analysis(captured: Warehouse, tmp_path: Path) -> None:
    topics = captured.settings.topics
    export(captured, topics.cascades, tmp_path, *period("2025-07-01", UNTIL))
    rows = [row for path in files(tmp_path) for row in pq.read_table(path).to_pylist()]
    stored = [decode(CascadeAlert, value) for value in stored_alerts()]
    assert {row["alert_id"]: row["total_value_usd"] for row in rows} == {
        alert.alert_id: alert.total_value_usd for alert in stored
    }
    assert len(rows) == len(stored)


def test_an_export_that_is_repeated_replaces_its_files_and_leaves_no_other(
    captured: Warehouse, tmp_path: Path
) -> None:
    topic = captured.settings.topics.events
    said = export(captured, topic, tmp_path, *period("2026-07-09", "2026-07-10"))
    [path] = files(tmp_path)
    assert said.startswith(str(path))
    whole = path.read_bytes()
    path.write_bytes(b"an older export")
    export(captured, topic, tmp_path, *period("2026-07-09", "2026-07-10"))
    assert files(tmp_path) == [path]
    assert pq.read_table(path).num_rows == pq.read_table(pa.BufferReader(whole)).num_rows


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["liquidations.large", *period(SINCE, UNTIL)], "is not stored row by row"),
        (["EVENTS"], "name the first day: --since"),
        (["EVENTS", *period(UNTIL, SINCE)], "has to be after --since"),
        (
            ["EVENTS", *period(SINCE, UNTIL), "--from-ms", "5"],
            "take --since, --until and --to only",
        ),
    ],
)
def test_what_cannot_be_exported_is_a_sentence(
    captured: Warehouse, arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    topic, *rest = arguments
    topic = topic.replace("EVENTS", captured.settings.topics.events)
    done = run_offline(
        captured.settings, "export", topic, "--format", "parquet", "--to", str(tmp_path), *rest
    )
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.decode().replace("│", " ").split())
    assert files(tmp_path) == []


def test_days_without_rows_make_no_file(captured: Warehouse, tmp_path: Path) -> None:
    topic = captured.settings.topics.events
    assert export(captured, topic, tmp_path, *period("2024-01-01", "2024-02-01")) == ""
    assert files(tmp_path) == []
