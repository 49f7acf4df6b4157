"""Questions that would read files, addresses or other servers: refused before they are asked.

ClickHouse's read-only mode refuses what changes something, and lets `SELECT * FROM url(...)` or
`file(...)` pass: with the server's own rights, not the asker's.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

#: Table functions that make their rows themselves or read the database's own tables.
HARMLESS: Final = frozenset(
    {
        "format",
        "fuzzjson",
        "fuzzquery",
        "generate_series",
        "generaterandom",
        "generateseries",
        "merge",
        "mergetreeanalyzeindexes",
        "mergetreeindex",
        "mergetreeprojection",
        "null",
        "numbers",
        "numbers_mt",
        "primes",
        "timeseriesdata",
        "timeseriesmetrics",
        "timeseriestags",
        "values",
        "view",
        "viewexplain",
        "viewifpermitted",
        "zeros",
        "zeros_mt",
    }
)
#: Functions that are no table functions and read outside nevertheless.
OTHERS: Final = frozenset({"file", "catboostevaluate"})
_TOKEN: Final = re.compile(
    r"""
    (?P<skipped> /\*.*?(?:\*/|\Z) | (?:--|\#!|\#\ )[^\n]* | \s+
      | '(?:[^'\\]|\\.|'')*(?:'|\Z) | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z) )
  | `(?P<back>(?:[^`\\]|\\.|``)*)`
  | "(?P<double>(?:[^"\\]|\\.|"")*)"
  | (?P<word>\w+)
  | (?P<open>\()
  | .
    """,
    re.VERBOSE | re.DOTALL,
)


def outside_reads(question: str, table_functions: Collection[str]) -> list[str]:
    """Return the functions in a question that read outside the database.

    `table_functions` are those of the server; unknown ones are not trusted.
    """
    refused = {name.lower() for name in table_functions} - HARMLESS | OTHERS
    return sorted({name for name in _called(question) if name.lower() in refused})


def _called(question: str) -> Iterator[str]:
    """Yield the names before an opening parenthesis, whatever stands between, quoted or not."""
    name = None
    for token in _TOKEN.finditer(question):
        if token["skipped"] is not None:
            continue
        if token["open"] is not None and name is not None:
            yield name
        name = token["word"] or token["back"] or token["double"]
