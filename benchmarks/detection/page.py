"""Tables as Markdown, and their insertion between the marks of a page."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write_part(page: Path, part: str, text: str) -> None:
    """Replace the text between the two marks of a part.

    Raises:
        ValueError: the page does not have both marks, in order.
    """
    begin, end = f"<!-- begin: eval {part} -->", f"<!-- end: eval {part} -->"
    before, found, rest = page.read_text().partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"{page} lacks the marks {begin} and {end}")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
