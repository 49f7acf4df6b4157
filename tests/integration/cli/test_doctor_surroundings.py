"""`liq doctor` and the engine's surroundings: Kafka, ClickHouse, and what of them is missing."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from aiokafka.admin import NewTopic
from clickhouse_connect.driver.exceptions import DatabaseError
from typer.testing import CliRunner

from liq.cli.commands.instruments import publish_contracts
from liq.cli.doctor.findings import Check, Level
from liq.cli.doctor.kafka import KafkaSeen, examine_kafka
from liq.cli.doctor.warehouse import examine_clickhouse
from liq.cli.main import app
from liq.devstack.ports import free_port
from liq.processors.normalizers import load_snapshot
from liq.runtime.kafka import new_admin, new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.records import Rate
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate

if TYPE_CHECKING:
    from tests.conftest import MakeSettings

pytestmark = pytest.mark.integration

EXCHANGES = ("okx", "gate")


def examined(settings: Settings) -> KafkaSeen:
    return asyncio.run(examine_kafka(settings, EXCHANGES))


def level_of(name: str, checks: tuple[Check, ...]) -> Level:
    [check] = [check for check in checks if check.name == name]
    return check.level


@pytest.mark.usefixtures("broker")
def test_brokers_that_are_as_they_should_be(settings: Settings) -> None:
    asyncio.run(ensure_topics(settings, EXCHANGES))
    before = asyncio.run(_topics(settings))
    seen = examined(settings)
    assert [check.level for check in seen.checks] == [Level.OK] * 3, seen.checks
    if seen.clock_ms is not None:
        assert abs(seen.clock_ms) < 1_000
    after = asyncio.run(_topics(settings))
    assert after - before == {settings.topics.probe}, "nothing but the probe's topic is new"
    # The second time the topic is there already.
    assert level_of("kafka probe", examined(settings).checks) is Level.OK


@pytest.mark.usefixtures("broker")
def test_a_first_day_without_topics_is_a_warning_and_nothing_is_created(settings: Settings) -> None:
    assert level_of("kafka topics", examined(settings).checks) is Level.WARNING
    assert asyncio.run(_topics(settings)) == {settings.topics.probe}


@pytest.mark.usefixtures("broker")
def test_a_missing_topic_and_wrong_partitions_fail(make_settings: "MakeSettings") -> None:
    settings = make_settings()
    asyncio.run(ensure_topics(settings, ("okx",)))
    missing = examined(settings)
    assert level_of("kafka topics", missing.checks) is Level.FAILED
    assert any("such as" in check.sentence for check in missing.checks)
    other = make_settings(topic_partitions=5)
    asyncio.run(ensure_topics(settings, EXCHANGES))
    [wrong] = [check for check in examined(other).checks if check.name == "kafka topics"]
    assert wrong.level is Level.FAILED
    assert "4, wanted 5" in wrong.sentence


@pytest.mark.usefixtures("broker")
def test_another_retention_is_a_warning(settings: Settings) -> None:
    asyncio.run(_create(settings, settings.topics.events, {"retention.ms": "1000"}))
    asyncio.run(ensure_topics(settings, EXCHANGES))
    [check] = [check for check in examined(settings).checks if check.name == "kafka topics"]
    assert check.level is Level.WARNING
    assert "retention.ms is 1000" in check.sentence


@pytest.mark.usefixtures("broker")
def test_the_contracts_of_the_topic_are_those_that_count(settings: Settings) -> None:
    [one, two, *_] = load_snapshot().all()
    asyncio.run(publish_contracts(settings, [one, two]))
    assert set(examined(settings).contracts) == {one, two}


@pytest.mark.usefixtures("broker")
def test_the_rates_of_the_topic_are_those_that_frames_are_valued_with(settings: Settings) -> None:
    rate = Rate(currency="BTC", usd=Decimal(60_000), timestamp_ms=1_783_000_000_000, source="test")
    asyncio.run(_publish_rate(settings, rate))
    assert examined(settings).rates == (rate,)


def test_absent_services_are_not_reached(
    make_settings: "MakeSettings", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("CLICKHOUSE_URL", f"http://127.0.0.1:{free_port()}")
    make_settings()
    result = CliRunner().invoke(app, ["doctor", "--skip", "venues", "--json"])
    assert result.exit_code == 69, result.output
    checks = {each["name"]: each for each in orjson.loads(result.stdout)["checks"]}
    assert checks["kafka"]["level"] == checks["clickhouse"]["level"] == "not reached"
    assert "KAFKA_BOOTSTRAP_SERVERS" in checks["kafka"]["sentence"]
    assert "CLICKHOUSE_URL" in checks["clickhouse"]["sentence"]


@pytest.fixture
def migrated(settings: Settings) -> Iterator[Settings]:
    with closing(connect(settings, use_database=False)) as client:
        migrate(client, settings.clickhouse_database)
        yield settings
        client.command(f"DROP DATABASE IF EXISTS {settings.clickhouse_database}")


@pytest.mark.usefixtures("clickhouse")
def test_a_clickhouse_that_is_as_it_should_be(migrated: Settings) -> None:
    seen = examine_clickhouse(migrated)
    assert [check.level for check in seen.checks] == [Level.OK] * 3, seen.checks
    assert seen.clock_ms is not None
    assert abs(seen.clock_ms) < 1_000
    with closing(connect(migrated)) as client:
        [[rows]] = client.query("SELECT count() FROM liquidations").result_rows
    assert rows == 0, "nothing was inserted"


@pytest.mark.usefixtures("clickhouse")
def test_a_schema_that_is_not_there_says_what_to_run(settings: Settings) -> None:
    seen = examine_clickhouse(settings)
    [schema] = [check for check in seen.checks if check.name == "clickhouse schema"]
    assert schema.level is Level.FAILED
    assert "liq migrate" in schema.sentence


@pytest.mark.usefixtures("clickhouse")
def test_a_missing_right_is_named(migrated: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect_as_reader(settings: Settings, *, use_database: bool = True) -> object:
        client = connect(settings, use_database=use_database)
        plain = client.command

        def command(text: str, *arguments: Any, **options: Any) -> Any:
            if text.startswith("INSERT"):
                raise DatabaseError("Not enough privileges. To execute this query, grant INSERT.")
            return plain(text, *arguments, **options)

        client.command = command  # type: ignore[method-assign, assignment]
        return client

    monkeypatch.setattr("liq.cli.doctor.warehouse.connect", connect_as_reader)
    seen = examine_clickhouse(migrated)
    [rights] = [check for check in seen.checks if check.name == "clickhouse rights"]
    assert rights.level is Level.FAILED
    assert "INSERT on liquidations" in rights.sentence


async def _publish_rate(settings: Settings, rate: Rate) -> None:
    await ensure_topics(settings, ())
    producer = new_producer(settings, "test")
    await producer.start()
    await producer.send_and_wait(settings.topics.rates, encode(rate), key=b"BTC")
    await producer.stop()


async def _topics(settings: Settings) -> set[str]:
    admin = new_admin(settings, "test")
    try:
        await admin.start()
        topics = await admin.list_topics()
    finally:
        await admin.close()
    return {topic for topic in topics if topic.startswith(f"{settings.topic_namespace}.")}


async def _create(settings: Settings, topic: str, configs: dict[str, str]) -> None:
    admin = new_admin(settings, "test")
    try:
        await admin.start()
        new = NewTopic(topic, settings.topic_partitions, 1, topic_configs=configs)
        await admin.create_topics([new])
    finally:
        await admin.close()
