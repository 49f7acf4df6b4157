"""Pages of docs/ and examples of deploy/ made from code: `python -m liq.cli.docs` writes them."""

from pathlib import Path
from typing import Any

from liq.cli.env_files import env_files
from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.feeds.settings import feed_settings
from liq.runtime.metrics import ALL_METRICS
from liq.runtime.settings import Settings, default_text
from liq.schemas.asyncapi import RECORD_TYPES
from liq.schemas.json_schema import schema_of

DOCS = Path(__file__).parents[2] / "docs"

METRICS_HEAD = """# Metrics

Every worker serves these on `/metrics` of its `HTTP_PORT`, with the process's own memory, CPU
time and file handles (`process_*`). `python -m liq.cli.docs` makes this page from
`liq.runtime.metrics`.

| metric | kind | labels | meaning |
|---|---|---|---|
"""

RECORDS_HEAD = """# Records

Every field of every record; [topics.md](topics.md) says which topic holds which, and how to read
them. A field that is not always there may be absent (an older writer) or null.
`python -m liq.cli.docs` makes this page from `liq.schemas`.
"""

SETTINGS_HEAD = """# Settings

Environment variables; an empty one counts as absent. `liq config` prints what is in force, and says
what is wrong. `python -m liq.cli.docs` makes this page from `liq.runtime.settings` and the declared
feeds.

## Every worker

| setting | default | meaning |
|---|---|---|
"""

FEEDS_HEAD = """
## Feeds

For `liq produce`; [feeds.md](feeds.md) says what each feed subscribes to. A name that begins like
one of these and is none is refused.

| setting | default | meaning |
|---|---|---|
"""

TABLE_HEAD = """
| field | type | always | meaning |
|---|---|---|---|
"""


def pages() -> dict[Path, str]:
    """Every generated page with what it should hold."""
    return {
        DOCS / "metrics.md": metrics_page(),
        DOCS / "records.md": records_page(),
        DOCS / "settings.md": settings_page(),
        **env_files(),
    }


def metrics_page() -> str:
    """docs/metrics.md as it should be."""
    rows = []
    for metric in ALL_METRICS:
        [family] = metric.describe()
        suffix = "_total" if family.type == "counter" else ""
        labels = ", ".join(metric._labelnames)  # noqa: SLF001 - the library has no other way
        rows.append(
            f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |"
        )
    return METRICS_HEAD + "\n".join(rows) + "\n"


def records_page() -> str:
    """docs/records.md as it should be."""
    sections = [_section(record.__name__, schema_of(record)) for record in RECORD_TYPES]
    return RECORDS_HEAD + "".join(sections)


def settings_page() -> str:
    """docs/settings.md as it should be."""
    rows = []
    for name, field in Settings.model_fields.items():
        rows.append(_setting_row(name.upper(), default_text(name), field.description or ""))
    feeds = [
        _setting_row(setting.name, setting.default, setting.meaning)
        for setting in feed_settings(ALL_FEEDS)
    ]
    return SETTINGS_HEAD + "".join(rows) + FEEDS_HEAD + "".join(feeds)


def _setting_row(name: str, default: str, meaning: str) -> str:
    cell = f"`{default}`" if default else ""
    return f"| `{name}` | {cell} | {meaning.replace('|', '/')} |\n"


def _section(name: str, schema: dict[str, Any]) -> str:
    return f"\n## {name}\n{TABLE_HEAD}" + "\n".join(_rows(schema, "")) + "\n"


def _rows(schema: dict[str, Any], prefix: str) -> list[str]:
    """A row for each field, and below it one for each field inside it."""
    rows = []
    for name, field in schema["properties"].items():
        always = "yes" if name in schema["required"] else ""
        rows.append(
            f"| `{prefix}{name}` | {_type(field)} | {always} | {field['description']} |",
        )
        inner = _inner(field)
        if "properties" in inner:
            mark = "[]." if field.get("type") == "array" else "."
            rows += _rows(inner, f"{prefix}{name}{mark}")
    return rows


def _inner(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field's value: of an array, its items; of a nullable one, not null."""
    if "oneOf" in field:
        return dict(field["oneOf"][0])
    return dict(field.get("items", field))


def _type(field: dict[str, Any]) -> str:
    inner = _inner(field)
    if field.get("type") == "array":
        return f"array of {_type(inner)}"
    if "enum" in inner:
        return ", ".join(f"`{word}`" for word in inner["enum"])
    if "pattern" in inner:
        return "decimal string"
    if "contentEncoding" in inner:
        return "base64 string"
    written = inner["type"]
    return str(written[0] if isinstance(written, list) else written)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
