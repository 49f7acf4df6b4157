"""Every attribute of the state is stored, or follows from others; fields can be added."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.processors.cascades import snapshot_fields as stored
from liq.processors.cascades.asset import AssetState
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.market import MarketState
from liq.processors.cascades.recent_ids import REMEMBERED_DIGITS
from liq.processors.cascades.ring import Bucket, Ring
from liq.processors.cascades.snapshot_codec import Filled, Optional, Record, Table, Value

#: What is stored beside the declared fields, in a form of its own.
BESIDE: dict[Any, set[str]] = {
    Bucket: {"second", "cells", "first", "last", "latest_ms", "top"},
    Lane: {"ring"},
    Ring: {"buckets"},
    AssetState: {"lanes", "excitations", "recent_ids"},
    MarketState: {
        *(
            "lanes",
            "sources",
            "cascades",
            "recent",
            "held",
            "held_parts",
            "packed",
            "exchanges",
            "beats",
        ),
    },
}
#: What is made again from other fields and the rules.
DERIVED: dict[Any, set[str]] = {
    Ring: {"_middle", "_middle_from", "_weights", "middle_cents", "middle_count"}
}


def attributes(of: Any) -> set[str]:
    if is_dataclass(of):
        return {field.name for field in fields(of)}
    if not hasattr(of, "_fields") and not hasattr(of, "__slots__"):
        pytest.skip("compiled classes do not list their attributes")
    return set(getattr(of, "_fields", ()) or of.__slots__)


def records() -> list[Record]:
    found = []
    for value in vars(stored).values():
        record = value._record if isinstance(value, Table) else value
        if isinstance(record, Record):
            found.append(record)
    return found


@pytest.mark.parametrize("record", records(), ids=lambda record: record.make.__name__)
def test_every_attribute_is_stored_or_follows_from_others(record: Record) -> None:
    made = record.make
    beside = BESIDE.get(made, set()) | DERIVED.get(made, set())
    assert record.names | beside == attributes(made)
    assert not record.names & beside


def test_no_class_of_the_state_is_left_out() -> None:
    made = {record.make.__name__ for record in records()}
    assert {"OpenCascade", "Moment", "Baseline", "Excitation", "Totals", "News", "Lane"} < made


@dataclass
class Before:
    level: int


@dataclass
class After:
    level: int
    pace: float = 7.0
    names: tuple[str, ...] = ("x",)


AFTER = Record(After, ("level",), {"names": Value(list, tuple)}, {"pace": 0.5, "names": []})


def test_a_field_that_came_later_has_its_declared_value_in_snapshots_of_before() -> None:
    before = Record(Before, ("level",))
    assert AFTER.read(before.write(Before(3))) == After(3, 0.5, ())
    assert AFTER.read(AFTER.write(After(3))) == After(3)
    assert Table(AFTER).read(Table(before).write([Before(1), Before(2)])) == [
        After(1, 0.5, ()),
        After(2, 0.5, ()),
    ]


def test_a_release_before_the_field_ignores_it() -> None:
    before = Record(Before, ("level",))
    assert before.read(AFTER.write(After(3))) == Before(3)
    assert Table(before).read(Table(AFTER).write([After(1)])) == [Before(1)]


def test_a_field_that_every_snapshot_has_may_not_be_missing() -> None:
    with pytest.raises(KeyError):
        AFTER.read({"pace": 1.0})


@pytest.mark.parametrize("columns", [{"level": [1], "pace": []}, {"level": [1, 2], "pace": [1.0]}])
def test_columns_of_different_lengths_are_refused(columns: dict[str, list[Any]]) -> None:
    with pytest.raises(ValueError, match="zip"):
        Table(AFTER).read(columns)


class Inner:
    """A class that is made empty."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


@dataclass
class Outer:
    inner: Inner
    other: Inner | None


def test_a_table_of_records_of_records_is_columns_all_the_way() -> None:
    inner = Filled(Inner, ("value",))
    table = Table(Record(Outer, (), {"inner": inner, "other": Optional(inner)}))
    one, two = Inner(), Inner()
    one.value, two.value = 1, 2
    columns = orjson.loads(orjson.dumps(table.write([Outer(one, None), Outer(two, one)])))
    assert columns == {"inner": {"value": [1, 2]}, "other": [None, {"value": 1}]}
    assert orjson.loads(orjson.dumps(table.write(table.read(columns)))) == columns


@given(st.integers())
def test_whole_numbers_of_any_size_come_back(number: int) -> None:
    written = stored.INTEGER.write(number)
    assert isinstance(written, str) or abs(written) < 2**63
    assert stored.INTEGER.read(written) == number


@given(st.lists(st.text(min_size=1, max_size=REMEMBERED_DIGITS), min_size=1, unique=True))
def test_digits_of_any_id_come_back(ids: list[str]) -> None:
    assert stored._split(stored._join(ids)) == ids
