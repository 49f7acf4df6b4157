"""What a failure of ClickHouse means for the rows that were sent.

Only an error that names the data condemns a row. Everything else keeps the rows and their offsets
and tries again: whether the server is away, busy or badly set up, no record is to blame.
"""

from dataclasses import dataclass
from enum import StrEnum

from clickhouse_connect.driver.exceptions import Error

# Errors in the data of an insert: cannot parse, wrong type, out of range, not in an enum, or
# against a CHECK that the operator gave the table.
ROW_CODES = frozenset(
    {6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 349, 376, 407, 467, 469, 691}
)
# Errors that only a person can end: no such table, column, database, setting or user, no right.
SETUP_CODES = frozenset({16, 36, 47, 60, 62, 81, 115, 164, 192, 193, 194, 452, 497, 516})
MAX_SENTENCE_CHARACTERS = 300


class Kind(StrEnum):
    """Who has to act: nobody (the row is bad), time, or a person."""

    ROW = "row"
    RETRY = "retry"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure: its kind, a short label for metrics and a sentence for people."""

    kind: Kind
    label: str
    sentence: str


def classify(error: Error) -> Failure:
    """Judge an exception of the client."""
    sentence = " ".join(str(error).split())[:MAX_SENTENCE_CHARACTERS]
    if error.code is None:
        return Failure(Kind.RETRY, "unreachable", f"ClickHouse cannot be reached: {sentence}")
    label = f"code_{error.code}"
    if error.code in ROW_CODES:
        return Failure(Kind.ROW, label, sentence)
    if error.code in SETUP_CODES:
        return Failure(Kind.SETUP, label, f"ClickHouse needs attention: {sentence}")
    return Failure(Kind.RETRY, label, f"ClickHouse refuses for now: {sentence}")
