"""The elements of generated pages: tables, and parts between marks in prose."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[3] / "docs"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown, with one line per row; a bar in a cell becomes a slash."""
    headings = tuple(headings)
    head = f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}\n"
    return head + "".join(f"| {' | '.join(_cells(row))} |\n" for row in rows)


def code(text: str) -> str:
    """Return a text as code in Markdown; an empty text stays empty."""
    return f"`{text}`" if text else ""


def with_part(page: str, name: str, text: str) -> str:
    """Return a page with the text between the marks of a part replaced.

    Raises:
        ValueError: the page lacks the marks.
    """
    begin = f"<!-- {name}: written by `python -m liq.cli.docs`, do not edit -->"
    end = f"<!-- end of {name} -->"
    before, begins, rest = page.partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"The page needs the lines {begin} and {end}.")
    return f"{before}{begin}\n\n{text}\n{end}{after}"


def _cells(row: Iterable[str]) -> Iterator[str]:
    return (cell.replace("|", "/") for cell in row)
