"""Our SQL for a cluster: statements run on every server, tables are replicated. Pure text.

The files in `migrations/` are written for one server. On a cluster each data definition says
`ON CLUSTER`, and each table's engine is the replicated one, with the path and the replica's name
that the servers' configuration gives.
"""

import re

_NAME = r"(?:`[^`]+`\.)?`?[A-Za-z_][A-Za-z0-9_]*`?"
# What goes before ON CLUSTER in the statements that migrations may have.
_DEFINITION = re.compile(
    rf"(?P<head>CREATE\s+(?:OR\s+REPLACE\s+)?(?:DATABASE|TABLE|VIEW|MATERIALIZED\s+VIEW)"
    rf"(?:\s+IF\s+NOT\s+EXISTS)?\s+{_NAME}"
    rf"|ALTER\s+TABLE\s+{_NAME}"
    rf"|DROP\s+(?:TABLE|VIEW)(?:\s+IF\s+EXISTS)?\s+{_NAME})(?=[\s(]|$)",
    re.IGNORECASE,
)
_HAS_ENGINE = re.compile(r"CREATE\s+(?:TABLE|MATERIALIZED)\b", re.IGNORECASE)
_ENGINE = re.compile(r"\bENGINE\s*=\s*(?=(?:\w+)?MergeTree\b)(?!Replicated)", re.IGNORECASE)


def for_cluster(statement: str, cluster: str) -> str:
    """A data definition as a cluster needs it; unchanged where `cluster` is empty.

    Raises:
        ValueError: the statement is of a kind that is not known here.
    """
    if not cluster:
        return statement
    match = _DEFINITION.match(statement)
    if match is None:
        raise ValueError(f"no rule for a cluster: {statement[:80]}")
    head, rest = match["head"], statement[match.end() :]
    # A plain view has no engine, but may well have text that looks like one.
    if _HAS_ENGINE.match(head):
        rest = _ENGINE.sub("ENGINE = Replicated", rest, count=1)
    return f"{head} ON CLUSTER '{cluster}'{rest}"
