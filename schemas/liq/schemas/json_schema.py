"""JSON Schemas (2020-12), derived from the record types so that both always agree.

Unknown properties are allowed, because a reader must not fail when a newer writer adds a field.
Enums and nested objects have titles, which generators of code use as names of types.
"""

import inspect
import types
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from liq.schemas.codec import DECIMAL_GRAMMAR
from liq.schemas.descriptions import DESCRIPTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DECIMAL_PATTERN = f"^{DECIMAL_GRAMMAR}$"

SCALARS: dict[type, dict[str, Any]] = {
    str: {"type": "string"},
    # Without a format, generators of code assume 32 bits, too few for a time in ms.
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    Decimal: {"type": "string", "pattern": DECIMAL_PATTERN},
}


def schema_of(record_type: type) -> dict[str, Any]:
    """Return the self-contained JSON Schema of a record type."""
    return {"$schema": DIALECT, "title": record_type.__name__, **_object(record_type)}


def _object(record_type: Any) -> dict[str, Any]:
    hints = get_type_hints(record_type)
    return {
        "type": "object",
        "description": inspect.cleandoc(record_type.__doc__ or ""),
        "properties": {
            field.name: {
                **_schema(hints[field.name]),
                "description": DESCRIPTIONS[record_type.__name__][field.name],
            }
            for field in fields(record_type)
        },
        "required": [field.name for field in fields(record_type) if field.default is MISSING],
    }


def _schema(hint: Any) -> dict[str, Any]:
    if hint in SCALARS:
        return dict(SCALARS[hint])
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = next(argument for argument in get_args(hint) if argument is not type(None))
        return _nullable(_schema(inner))
    if origin is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0])}
    if isinstance(hint, type) and is_dataclass(hint):
        return {"title": hint.__name__, **_object(hint)}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"title": hint.__name__, "enum": [word.value for word in hint]}
    raise TypeError(f"{hint} has no JSON Schema")


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" in schema and schema["type"] != "object":
        return {**schema, "type": [schema["type"], "null"]}
    return {"oneOf": [schema, {"type": "null"}]}
