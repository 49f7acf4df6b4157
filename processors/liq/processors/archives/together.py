"""Grouping of rows that arrived in one message, in which equal rows are separate liquidations.

For a venue without its own ids, the event id counts equal entries of a message. So rows that
arrived together must be counted together.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from liq.processors.archives.entries import BadLine, Line

Row = TypeVar("Row")

# More than any venue sends at once; it limits memory for a file with a single time.
MOST_TOGETHER: Final = 10_000


class Copies(NamedTuple, Generic[Row]):
    """A row that occurs `times` times among the rows that arrived together, first in `line`.

    `resume` is the line at which to resume after this row: the first line of the group, or the line
    after the group for its last row.
    """

    line: Line
    row: Row
    times: int
    resume: int


def read_together(
    rows: Iterable[tuple[Line, Row] | BadLine], came: Callable[[Row], int]
) -> Iterator[Copies[Row] | BadLine]:
    """Yield each row once, with its count among the rows that `came` at the same time."""
    together: list[tuple[Line, Row]] = []
    for found in rows:
        if isinstance(found, BadLine):
            yield from _copies(together)
            together = []
            yield found
            continue
        if together and (came(found[1]) != came(together[0][1]) or len(together) >= MOST_TOGETHER):
            yield from _copies(together)
            together = []
        together.append(found)
    yield from _copies(together)


def _copies(together: list[tuple[Line, Row]]) -> Iterator[Copies[Row]]:
    if len(together) == 1:
        [(line, row)] = together
        yield Copies(line, row, 1, line.number + 1)
        return
    same: dict[bytes, list[tuple[Line, Row]]] = {}
    for line, row in together:
        same.setdefault(line.content, []).append((line, row))
    for position, equal in enumerate(same.values(), start=1):
        is_last = position == len(same)
        resume = together[-1][0].number + 1 if is_last else together[0][0].number
        yield Copies(*equal[0], len(equal), resume)
