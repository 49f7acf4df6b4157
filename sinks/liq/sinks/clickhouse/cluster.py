"""Conversion of the migrations' SQL for a cluster: on every server, with replicated tables. Pure.

The files in `migrations/` are written for one server. On a cluster each data definition has
`ON CLUSTER`, and each table's engine is the replicated one, with the path and the replica's name
from the servers' configuration.
"""

import re

_NAME = r"(?:`[^`]+`\.)?`?[A-Za-z_][A-Za-z0-9_]*`?"
# The part before ON CLUSTER, of all kinds of statements in migrations.
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
    """Convert a data definition for a cluster; return it unchanged if `cluster` is empty.

    Raises:
        ValueError: the kind of statement is unknown.
    """
    if not cluster:
        return statement
    match = _DEFINITION.match(statement)
    if match is None:
        raise ValueError(f"no rule for a cluster: {statement[:80]}")
    head, rest = match["head"], statement[match.end() :]
    # A plain view has no engine, but may contain text that looks like one.
    if _HAS_ENGINE.match(head):
        rest = _ENGINE.sub("ENGINE = Replicated", rest, count=1)
    return f"{head} ON CLUSTER '{cluster}'{rest}"
