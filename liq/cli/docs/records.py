"""docs/records.md: every field of every record."""

from collections.abc import Iterator
from typing import Any, Final

from liq.cli.docs.page import code, table
from liq.schemas.asyncapi import HEADER_MEANINGS, RECORD_TYPES
from liq.schemas.cloud_events import (
    LEVEL,
    OPTIONAL,
    REQUIRED,
    SIDE,
    alert_headers,
    feed_headers,
    liquidation_headers,
    status_headers,
)
from liq.schemas.codec import decode, encode
from liq.schemas.generate import DIRECTORY
from liq.schemas.json_schema import schema_of
from liq.schemas.records import CascadeAlert, DetectionStatus, FeedStatus, Liquidation

HEAD: Final = """# Records

Every field of every record; [topics.md](topics.md) says which topic holds which, and how to read
them. A field that is not always there may be absent (an older writer) or null.
`python -m liq.cli.docs` makes this page from `liq.schemas`.
"""

HEADERS: Final = """
## Headers of public records

Every record with a value on a public topic is a CloudEvent 1.0 in Kafka's binary content mode: its
attributes are these headers, the value stands alone. The examples are those of stored records.

"""
HEADER_COLUMNS: Final = (
    "header",
    "meaning",
    "Liquidation",
    "CascadeAlert",
    "FeedStatus",
    "DetectionStatus",
)
COLUMNS: Final = ("field", "type", "always", "meaning")


def records_page() -> str:
    """Return the text of docs/records.md."""
    records = "".join(
        f"\n## {record.__name__}\n\n{table(COLUMNS, _rows(schema_of(record), ''))}"
        for record in RECORD_TYPES
    )
    return f"{HEAD}{HEADERS}{table(HEADER_COLUMNS, _header_rows())}{records}"


def _header_rows() -> Iterator[tuple[str, ...]]:
    """Yield a row for each header, with its values on an example of each public record."""
    event = decode(Liquidation, _example("Liquidation.okx"))
    alert = decode(CascadeAlert, _example("CascadeAlert.adaptive"))
    status = decode(FeedStatus, _example("FeedStatus.gap"))
    progress = decode(DetectionStatus, _example("DetectionStatus.behind"))
    examples = [
        dict(headers)
        for headers in (
            liquidation_headers(event),
            alert_headers(alert),
            feed_headers(status, encode(status)),
            status_headers(progress),
        )
    ]
    for name in (*REQUIRED, *OPTIONAL, SIDE, LEVEL):
        values = (code(example.get(name, b"").decode()) for example in examples)
        yield code(name), HEADER_MEANINGS[name], *values


def _example(name: str) -> bytes:
    return (DIRECTORY / "examples" / f"{name}.json").read_bytes()


def _rows(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each field, and below it one for each field inside it."""
    for name, field in schema["properties"].items():
        always = "yes" if name in schema["required"] else ""
        yield code(prefix + name), _type(field), always, field["description"]
        inner = _inner(field)
        if "properties" in inner:
            mark = "[]." if field.get("type") == "array" else "."
            yield from _rows(inner, f"{prefix}{name}{mark}")


def _inner(field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an array's items or of a nullable field's value, else the field's."""
    if "oneOf" in field:
        return dict(field["oneOf"][0])
    return dict(field.get("items", field))


def _type(field: dict[str, Any]) -> str:
    inner = _inner(field)
    if field.get("type") == "array":
        return f"array of {_type(inner)}"
    if "enum" in inner:
        return ", ".join(code(word) for word in inner["enum"])
    if "pattern" in inner:
        return "decimal string"
    if "contentEncoding" in inner:
        return "base64 string"
    written = inner["type"]
    return str(written[0] if isinstance(written, list) else written)
