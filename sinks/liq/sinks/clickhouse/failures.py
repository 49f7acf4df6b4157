"""Classification of ClickHouse errors of an insert.

Only an error in the data refuses a row. After any other error the sink keeps the rows and offsets
and retries, because an unreachable, busy or misconfigured server is not due to a record.
"""

from clickhouse_connect.driver.exceptions import Error

from liq.sinks.destination import Failure, FailureKind

# Errors in the data of an insert: cannot parse, wrong type, out of range, not in an enum, or a
# violation of a CHECK that the operator has added.
ROW_CODES = frozenset(
    {6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 349, 376, 407, 467, 469, 691}
)
# Errors that the operator must fix: no such table, column, database, setting or user, no right.
SETUP_CODES = frozenset({16, 36, 47, 60, 62, 81, 115, 164, 192, 193, 194, 452, 497, 516})
MAX_SENTENCE_CHARACTERS = 300


def classify(error: Error) -> Failure:
    """Classify an exception of the client."""
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
