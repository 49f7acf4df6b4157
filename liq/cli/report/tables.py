"""Rows of answers as HTML tables."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final

from liq.cli.report.answers import Rows
from liq.cli.report.wording import level
from liq.cli.results import shown, visible

NUMBERS: Final = (int, float, Decimal)
#: Prices have as many digits as the venue gives.
PRICES: Final = frozenset({"price", "price_last", "price_level"})
LONGEST_WORD: Final = 60


def table(name: str, rows: Rows, columns: Sequence[str] = ()) -> str:
    """Return a table that scrolls by itself, named for screen readers; nothing without rows."""
    if not rows:
        return ""
    names = columns or tuple(rows[0])
    numeric = {each for each in names if any(_is_number(row[each]) for row in rows)}
    head = "".join(
        f'<th scope="col"{_class(each in numeric)}>{escape(each.replace("_", " "))}</th>'
        for each in names
    )
    body = "".join(
        f"<tr>{''.join(_cell(each, row[each], is_number=each in numeric) for each in names)}</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(visible(name))}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(name: str, value: Any, *, is_number: bool) -> str:
    text = level(value) if name in PRICES and isinstance(value, Decimal) else shown(value)
    if len(text) > LONGEST_WORD:
        return f'<td class="wrapped">{escape(text)}</td>'
    return f"<td{_class(is_number)}>{escape(text)}</td>"


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool)
