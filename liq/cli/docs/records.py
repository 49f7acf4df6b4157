"""docs/records.md: every field of every record."""

from collections.abc import Iterator
from typing import Any, Final

from liq.cli.docs.page import code, table
from liq.schemas.asyncapi import RECORD_TYPES
from liq.schemas.json_schema import schema_of

HEAD: Final = """# Records

Every field of every record; [topics.md](topics.md) says which topic holds which, and how to read
them. A field that is not always there may be absent (an older writer) or null.
`python -m liq.cli.docs` makes this page from `liq.schemas`.
"""

COLUMNS: Final = ("field", "type", "always", "meaning")


def records_page() -> str:
    """Return the text of docs/records.md."""
    return HEAD + "".join(
        f"\n## {record.__name__}\n\n{table(COLUMNS, _rows(schema_of(record), ''))}"
        for record in RECORD_TYPES
    )


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
    """Return the schema of an array's items, of a nullable field's value, or else of the field."""
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
