"""Open positions in ClickHouse: the map is that of the newest snapshot, each position once."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings
from liq.schemas.codec import encode as encode_record
from liq.schemas.headers import Headers
from liq.schemas.records import OpenPosition
from liq.schemas.vocabulary import Side
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.encoding import encode
from liq.sinks.clickhouse.migrations import migrate
from liq.sinks.clickhouse.tables import OPEN_POSITIONS
from liq.sinks.clickhouse.writer import insert
from tests.support.sample_records import open_position

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clickhouse")]


@dataclass(frozen=True)
class Record:
    value: bytes | None
    offset: int
    topic: str = "liquidations.positions"
    partition: int = 0
    timestamp: int = 1_783_500_000_000
    headers: Headers = ()


@pytest.fixture
def database(settings: Settings) -> Iterator[Client]:
    with closing(connect(settings, use_database=False)) as client:
        migrate(client, settings.clickhouse_database)
        client.database = settings.clickhouse_database
        yield client
        client.command(f"DROP DATABASE {settings.clickhouse_database}")


def store(database: Client, positions: list[OpenPosition]) -> None:
    records = [Record(encode_record(each), number) for number, each in enumerate(positions)]
    assert insert(database, encode(OPEN_POSITIONS, records)) == []


def test_the_map_is_the_newest_snapshot_of_each_exchange(database: Client) -> None:
    """Long 2,400 at a mark of 2,500 is four percent below, short 2,601 is four above."""
    newest_ms = open_position().timestamp_ms + 60_000
    old = [open_position(number) for number in range(3)]
    new = [
        replace(open_position(0), liquidation_price=Decimal(2400)),
        replace(open_position(1), liquidation_price=Decimal("2401.5")),
        replace(open_position(2), side=Side.SHORT, liquidation_price=Decimal(2601)),
        replace(open_position(3), liquidation_price=None),
    ]
    new = [replace(each, timestamp_ms=newest_ms) for each in new]
    other = replace(open_position(9), exchange="elsewhere", liquidation_price=Decimal(1000))
    for _ in range(2):  # as after a redelivery
        store(database, [*old, *new, other])
    rows = database.query(
        "SELECT exchange, side, move_percent, positions, value_usd FROM liquidation_map "
        "ORDER BY exchange, side, move_percent"
    ).result_rows
    assert rows == [
        ("elsewhere", "LONG", -60, 1, Decimal(1250)),
        ("orderly", "LONG", -4, 2, Decimal(2500)),
        ("orderly", "LONG", None, 1, Decimal(1250)),
        ("orderly", "SHORT", 4, 1, Decimal(1250)),
    ]
