"""Sharding keys belong to what identifies a record, and readers' statements come in order."""

import re
from dataclasses import dataclass

import pytest

from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import load_settings
from liq.schemas.codec import encode as encode_record
from liq.schemas.headers import Headers
from liq.sinks.clickhouse.backtests import CASCADES, RUNS
from liq.sinks.clickhouse.encoding import encode, encode_for_shards
from liq.sinks.clickhouse.keys import KEYS
from liq.sinks.clickhouse.migrations import expected_schema
from liq.sinks.clickhouse.partitions import by_month, for_partitions
from liq.sinks.clickhouse.shards import reading_statements, servers_of
from liq.sinks.clickhouse.tables import LIQUIDATIONS, TABLES
from tests.support.sample_records import liquidation

URLS = ("http://a:8123", "http://b:8123", "http://c:8123")


@dataclass(frozen=True)
class Record:
    value: bytes
    offset: int
    topic: str = "events"
    partition: int = 0
    timestamp: int = 1_783_500_000_000
    headers: Headers = ()


def test_a_key_is_part_of_what_identifies_a_row() -> None:
    """Else copies of a row could lie on two servers, where FINAL does not meet them."""
    storages = expected_schema().storages
    of_topics = {table.name for table in TABLES}
    assert KEYS.keys() == {*of_topics, RUNS, CASCADES} == storages.keys()
    for table, key in KEYS.items():
        [column] = set(re.findall(r"\w+", key.sql)) - {"cityHash64"}
        assert re.search(rf"\b{column}\b", storages[table].order_key), table


def test_a_record_goes_to_one_shard_whatever_batch_it_is_in() -> None:
    values = [encode_record(liquidation(number)) for number in range(600)]
    first = [Record(value, offset) for offset, value in enumerate(values)]
    again = [Record(value, 5_000 + offset) for offset, value in enumerate(values[::7])]
    shards = [
        {record.value for record in encoded.records}
        for encoded in encode_for_shards(LIQUIDATIONS, first, 3)
    ]
    assert sum(map(len, shards)) == len(values)
    assert all(shards)
    for shard, encoded in zip(shards, encode_for_shards(LIQUIDATIONS, again, 3), strict=True):
        assert {record.value for record in encoded.records} <= shard


def test_one_server_gets_what_it_got_before() -> None:
    records = [Record(encode_record(liquidation(number)), number) for number in range(300)]
    [alone] = encode_for_shards(LIQUIDATIONS, records, 1)
    assert alone.blocks == encode(LIQUIDATIONS, records).blocks


def test_a_record_without_its_key_is_refused_and_not_lost() -> None:
    encoded = encode_for_shards(LIQUIDATIONS, [Record(b"{}", 0), Record(b"no", 1)], 3)
    assert [len(each.refusals) for each in encoded] == [2, 0, 0]
    assert not any(each.records for each in encoded)


def test_readers_see_every_table_and_every_view_after_what_it_uses() -> None:
    schema = expected_schema()
    settings = load_settings(clickhouse_shards=URLS)
    statements = reading_statements(settings, tuple(schema.tables), schema.views)
    views = [found[1] for text in statements if (found := re.match(r".* VIEW (\w+) AS", text))]
    assert sorted(views) == sorted(schema.views)
    for place, view in enumerate(views):
        later = set(views[place + 1 :])
        assert not later & set(re.findall(r"\w+", schema.views[view])), view
    tables = "\n".join(text for text in statements if "Distributed" in text)
    for table, key in KEYS.items():
        assert f"'liquidations', 'liquidations_shard', '{table}', {key.sql})" in tables, table


def test_servers_are_numbered_in_their_order() -> None:
    assert [(each.number, each.count, each.url) for each in servers_of(load_settings())] == [
        (1, 1, "http://127.0.0.1:8123")
    ]
    servers = servers_of(load_settings(clickhouse_shards=",".join(URLS)))
    assert [(each.number, each.url) for each in servers] == list(enumerate(URLS, 1))
    assert {each.database for each in servers} == {"liquidations_shard"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"clickhouse_shards": "http://a:8123"}, "two servers or more"),
        ({"clickhouse_shards": "http://a:8123,http://a:8123"}, "each once"),
        ({"clickhouse_shards": "http://a:8123,b:9000"}, "give an address like"),
        ({"clickhouse_shards": URLS, "clickhouse_cluster": "c"}, "cannot be combined"),
        ({"clickhouse_partitions": "week"}, "CLICKHOUSE_PARTITIONS"),
    ],
)
def test_wrong_settings_are_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        load_settings(**changes)


def test_partitions_of_a_day() -> None:
    months = "CREATE TABLE t (a Date) ENGINE = MergeTree PARTITION BY toYYYYMM(a) ORDER BY a"
    days = for_partitions(months, "day")
    assert "PARTITION BY toYYYYMMDD(a)" in days
    assert for_partitions(months, "month") == months
    assert by_month("toYYYYMMDD(a)") == by_month("toYYYYMM(a)") == "toYYYYMM(a)"
