"""Writes what the cases noted as a table into docs/delivery.md: `python -m tests.faults.table`.

The notes are in the file that FAULT_RECORD names; of a case's notes the newest counts. With
`--keep`, rows of cases that have no note stay: for a run of some cases.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import orjson

from tests.faults.record import RECORD_FILE, CaseRecord
from tests.support.paths import DOCS

PAGE: Final = DOCS / "delivery.md"
BEGIN: Final = "<!-- fault runs: written by `python -m tests.faults.table`, do not edit -->"
END: Final = "<!-- end of fault runs -->"
HEADINGS: Final = (
    "case", "loops", "frames", "in gaps", "events", "alerts", "lost", "repeated", "recovery (s)",
    "broker", "date",
)  # fmt: skip


def read_notes(lines: Iterable[bytes]) -> list[CaseRecord]:
    """The newest note of every case, in the order in which cases were first noted."""
    newest: dict[str, CaseRecord] = {}
    for line in lines:
        found = CaseRecord(**orjson.loads(line))
        newest[found.case] = found
    return list(newest.values())


def table(records: Iterable[CaseRecord]) -> str:
    """Markdown, a row a case."""
    rows = [
        (
            each.case,
            each.loops,
            each.frames,
            each.unsent,
            each.events,
            each.alerts,
            each.lost,
            each.repeated,
            "" if each.recovery_seconds is None else each.recovery_seconds,
            each.broker,
            each.date,
        )
        for each in records
    ]
    lines = [HEADINGS, ("---",) + ("--:",) * 8 + ("---",) * 2, *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def rows_of(page: str) -> dict[str, str]:
    """The rows of the page's table, by case."""
    _, _, rest = page.partition(BEGIN)
    lines = rest.partition(END)[0].splitlines()
    rows = [line for line in lines if line.startswith("| ")][2:]
    return {row.split(" | ")[0].removeprefix("| "): f"{row}\n" for row in rows}


def with_rows(page: str, records: Iterable[CaseRecord]) -> str:
    """The table's text with the rows of the page, those of the records renewed or added."""
    heading, rule, *rows = table(records).splitlines(keepends=True)
    renewed = {row.split(" | ")[0].removeprefix("| "): row for row in rows}
    return "".join((heading, rule, *(rows_of(page) | renewed).values()))


def with_table(page: str, text: str) -> str:
    """The page with another table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def main() -> None:
    """Read, write."""
    path = os.environ.get(RECORD_FILE)
    if not path:
        sys.exit(f"Set {RECORD_FILE} to the file with the cases' notes.")
    records = read_notes(Path(path).read_bytes().splitlines())
    page = PAGE.read_text()
    text = with_rows(page, records) if sys.argv[1:] == ["--keep"] else table(records)
    PAGE.write_text(with_table(page, text))


if __name__ == "__main__":
    main()
