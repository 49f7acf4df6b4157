"""ClickHouse users: of the migrations, of the sink, of backups, and of readers.

A test creates these users on a server, and checks that each can do its work and nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Final

#: The rights of each user on the engine's database.
GRANTS: Final[Mapping[str, Sequence[str]]] = {
    "migrator": (
        (
            "CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, ALTER TABLE, "
            "ALTER VIEW, SELECT, INSERT ON {database}.*"
        ),
        "TABLE ENGINE ON ReplacingMergeTree",
    ),
    "ingest": ("SELECT, INSERT ON {database}.*",),
    "backup": (
        "BACKUP, CREATE DATABASE, CREATE TABLE, CREATE VIEW, SELECT, INSERT ON {database}.*",
        "TABLE ENGINE ON ReplacingMergeTree",
    ),
    "reader": ("SELECT ON {database}.*",),
}
#: The limits of readers, also of Grafana, DBeaver and notebooks.
PROFILE: Final = """\
CREATE SETTINGS PROFILE {prefix}reading SETTINGS
    readonly = 2 CONST,
    max_execution_time = 60 MIN 1 MAX 600,
    max_result_rows = 1000000 MIN 1 MAX 100000000,
    max_memory_usage = 4000000000 MIN 1 MAX 4000000000,
    cancel_http_readonly_queries_on_client_close = 1 CONST;"""


def statements(database: str, prefix: str, cluster: str = "") -> str:
    """Return the SQL that creates the users, with placeholders for their passwords."""
    parts = []
    for user, grants in GRANTS.items():
        name = f"{prefix}{user}"
        profile = f" SETTINGS PROFILE {prefix}reading" if user == "reader" else ""
        lines = [PROFILE.format(prefix=prefix)] if profile else []
        lines.append(f"CREATE USER {name} IDENTIFIED WITH sha256_password BY '...'{profile};")
        lines += [f"GRANT {grant.format(database=database)} TO {name};" for grant in grants]
        if cluster and user == "migrator":
            lines.append(f"GRANT CLUSTER ON *.* TO {name};")
        if cluster and user == "ingest":
            lines.append(f"ALTER USER {name} SETTINGS insert_quorum = 'auto';")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
