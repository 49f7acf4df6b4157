"""What a failure of ClickHouse means for the rows that were sent.

Only an error that names the data condemns a row. Everything else keeps the rows and their offsets
and tries again: whether the server is away, busy or badly set up, no record is to blame.
"""

from clickhouse_connect.driver.exceptions import Error

from liq.sinks.destination import Failure, FailureKind

# Errors in the data of an insert: cannot parse, wrong type, out of range, not in an enum, or
# against a CHECK that the operator gave the table.
ROW_CODES = frozenset(
    {6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 349, 376, 407, 467, 469, 691}
)
# Errors that only a person can end: no such table, column, database, setting or user, no right.
SETUP_CODES = frozenset({16, 36, 47, 60, 62, 81, 115, 164, 192, 193, 194, 452, 497, 516})
MAX_SENTENCE_CHARACTERS = 300


def classify(error: Error) -> Failure:
    """Judge an exception of the client."""
    sentence = " ".join(str(error).split())[:MAX_SENTENCE_CHARACTERS]
    if error.code is None:
        return Failure(
            FailureKind.RETRY, "unreachable", f"ClickHouse cannot be reached: {sentence}"
        )
    label = f"code_{error.code}"
    if error.code in ROW_CODES:
        return Failure(FailureKind.ROW, label, sentence)
    if error.code in SETUP_CODES:
        return Failure(FailureKind.SETUP, label, f"ClickHouse needs attention: {sentence}")
    return Failure(FailureKind.RETRY, label, f"ClickHouse refuses for now: {sentence}")
