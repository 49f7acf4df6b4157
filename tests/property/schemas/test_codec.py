"""Any record that the types allow survives the codec and fits its schema."""

import types
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from liq.schemas.asyncapi import RECORD_TYPES
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.json_schema import schema_of
from liq.schemas.records import Liquidation

SCALARS: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"])),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    bytes: st.binary(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    if hint in SCALARS:
        return SCALARS[hint]
    if get_origin(hint) in (Union, types.UnionType):
        return st.one_of(
            [st.none() if part is type(None) else values(part) for part in get_args(hint)]
        )
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: values(hints[field.name]) for field in fields(hint)})
    return st.sampled_from(hint)


@pytest.mark.parametrize("record_type", RECORD_TYPES)
@given(data=st.data())
def test_records_survive_and_fit(record_type: type, data: Any) -> None:
    record = data.draw(values(record_type))
    written = encode(record)
    assert decode(record_type, written) == record
    Draft202012Validator(schema_of(record_type)).validate(orjson.loads(written))


@given(event=values(Liquidation))
def test_an_event_has_the_bytes_of_its_dataclass(event: Liquidation) -> None:
    assert encode(event) == orjson.dumps(event, default=lambda value: format(value, "f"))


@given(data=st.binary())
def test_arbitrary_bytes_are_an_error_or_a_record(data: bytes) -> None:
    try:
        record = decode(Liquidation, data)
    except DecodeError:
        return
    assert isinstance(record, Liquidation)
