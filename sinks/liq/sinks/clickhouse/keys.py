"""The sharding key of each table, as SQL and as a function of a record. Pure.

A key depends only on the identity of a record, so that one server gets all copies of a record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from clickhouse_cityhash.cityhash import CityHash64

from liq.sinks.batch import Delivered
from liq.sinks.clickhouse.documents import Document

KeyOf = Callable[[Delivered, Document], int]


@dataclass(frozen=True, slots=True)
class ShardingKey:
    """The number whose remainder selects a server, as SQL and as a function of a record."""

    sql: str
    of: KeyOf


def _hash_of(field: str) -> ShardingKey:
    def of(_record: Delivered, document: Document) -> int:
        value = document.get(field)
        # A record without the field is refused later, when its columns are read.
        return CityHash64(value.encode(errors="replace")) if isinstance(value, str) else 0

    return ShardingKey(f"cityHash64({field})", of)


def _raw_offset(_record: Delivered, document: Document) -> int:
    source = document.get("source")
    offset = source.get("offset") if isinstance(source, dict) else None
    return offset if type(offset) is int else 0


KEYS: Final[Mapping[str, ShardingKey]] = {
    "liquidations": _hash_of("event_id"),
    "cascades": _hash_of("alert_id"),
    "rejected": ShardingKey("raw_offset", _raw_offset),
    "feeds": _hash_of("exchange"),
    "instruments": _hash_of("exchange"),
    "open_positions": _hash_of("exchange"),
    "backtest_runs": _hash_of("run_id"),
    "backtest_cascades": _hash_of("run_id"),
    "raw_frames": ShardingKey("src_offset", lambda record, _document: record.offset),
}
