"""Detection of queries that would read files, addresses or other servers.

ClickHouse's read-only mode rejects changes, but permits `SELECT * FROM url(...)` or `file(...)`,
with the server's own rights instead of the user's.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

#: Table functions that generate their rows or read the database's own tables.
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
#: Functions that read outside of the database although they are no table functions.
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
    """Return the functions in a query that read outside of the database.

    `table_functions` are those of the server; unknown ones count as outside reads.
    """
    refused = {name.lower() for name in table_functions} - HARMLESS | OTHERS
    return sorted({name for name in _called(question) if name.lower() in refused})


def _called(question: str) -> Iterator[str]:
    """Yield the names, quoted or not, before an opening parenthesis, across blanks and comments."""
    name = None
    for token in _TOKEN.finditer(question):
        if token["skipped"] is not None:
            continue
        if token["open"] is not None and name is not None:
            yield name
        name = token["word"] or token["back"] or token["double"]
