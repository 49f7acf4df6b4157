"""The configuration files of a server process: data, cluster, users and their rights.

Users cannot be created by SQL, because the process has no storage for them; a restart with other
files changes them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from liq.devstack.ports import LOOPBACK

CLUSTER: Final = "liquidations"
OWNER_ONLY: Final = 0o600
# All rights inside the server. They exclude reading files and other hosts (`file`, `url`, `remote`,
# `s3`, `executable` ...), managing users, and stopping the server.
_WITHIN: Final = (
    "SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, "
    "CREATE TEMPORARY TABLE, DROP DATABASE, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE, "
    "KILL QUERY, SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM FLUSH, SYSTEM VIEWS"
)
OWNER_GRANTS: Final = (
    f"GRANT {_WITHIN} ON *.*",
    "GRANT TABLE ENGINE ON MergeTree",
    "GRANT TABLE ENGINE ON ReplacingMergeTree",
    "GRANT TABLE ENGINE ON Memory",
)
# Distributed tables read other servers.
SHARD_GRANTS: Final = ("GRANT REMOTE ON *.*", "GRANT TABLE ENGINE ON Distributed")
# The rights for the statements of `process.py`, and no others.
OWN_GRANTS: Final = ("GRANT SYSTEM LISTEN ON *.*", "GRANT SELECT ON system.numbers")
OWN_QUERIES: Final = 3
# Intervals are counted from 1970: this one ends in 2033.
INTERVAL_SECONDS: Final = 2_000_000_000
READER_GRANT: Final = "GRANT SHOW, SELECT ON *.*"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user, its grants, and settings that apply to all its queries.

    `constraints` limit the settings that its queries may change: `min` and `max`, or `const`, by
    setting.
    """

    name: str
    password: str
    grants: Sequence[str] = OWNER_GRANTS
    settings: Mapping[str, str] = field(default_factory=dict)
    constraints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """A server process: its number (from 1), its ports, and the directory of its files."""

    number: int
    http_port: int
    tcp_port: int
    directory: Path

    @property
    def url(self) -> str:
        """The address of its HTTP interface."""
        return f"http://{LOOPBACK}:{self.http_port}"

    @property
    def configuration(self) -> Path:
        """The main configuration file."""
        return self.directory / "config.xml"

    @property
    def data(self) -> Path:
        """The folder of its tables."""
        return self.directory / "data"


def write_configuration(
    node: Node,
    nodes: Sequence[Node],
    users: Sequence[User],
    server_settings: Mapping[str, str],
) -> None:
    """Write the files of one node; shards log in to each other as the first user."""
    node.directory.mkdir(parents=True, exist_ok=True)
    users_file = node.directory / "users.xml"
    _write(users_file, users_xml(users))
    _write(node.configuration, server_xml(node, users_file, nodes, users[0], server_settings))


def server_xml(
    node: Node,
    users_file: Path,
    nodes: Sequence[Node],
    internal: User,
    server_settings: Mapping[str, str],
) -> Element:
    """Return the configuration of one server; `server_settings` are further elements of it."""
    root = Element("clickhouse")
    _add(root, {"path": str(node.data), "users_config": str(users_file)})
    _add(
        SubElement(root, "logger"),
        {"level": "warning", "console": "1", "console_log_level": "warning"},
    )
    cluster = SubElement(SubElement(root, "remote_servers"), CLUSTER)
    for each in nodes:
        replica = SubElement(SubElement(cluster, "shard"), "replica")
        _add(replica, {"host": LOOPBACK, "port": str(each.tcp_port)})
        _add(replica, {"user": internal.name, "password": internal.password})
    # The folder of backups, for users who may create them; the owner may not.
    _add(SubElement(root, "backups"), {"allowed_path": str(node.directory / "backups")})
    _add(root, server_settings)
    return root


def users_xml(users: Sequence[User]) -> Element:
    """Return the configuration of users and their profiles.

    The user `default`, without a password and only from 127.0.0.1, is the process itself. It may
    open the listeners, which uses up its quota, so that no client can run a query as this user.
    """
    root = Element("clickhouse")
    profiles, listed = SubElement(root, "profiles"), SubElement(root, "users")
    quotas = SubElement(root, "quotas")
    SubElement(quotas, "default")
    spent = SubElement(SubElement(quotas, "spent"), "interval")
    _add(spent, {"duration": str(INTERVAL_SECONDS), "queries": str(OWN_QUERIES)})
    SubElement(profiles, "default")
    own = SubElement(listed, "default")
    _add(own, {"password": "", "profile": "default", "quota": "spent"})
    _add(SubElement(own, "networks"), {"ip": f"{LOOPBACK}/32"})
    _add_grants(own, OWN_GRANTS)
    for user in users:
        profile = f"of_{user.name}"
        _add_profile(SubElement(profiles, profile), user)
        entry = SubElement(listed, user.name)
        digest = hashlib.sha256(user.password.encode()).hexdigest()
        _add(entry, {"password_sha256_hex": digest, "profile": profile, "quota": "default"})
        _add(SubElement(entry, "networks"), {"ip": f"{LOOPBACK}/32"})
        _add_grants(entry, user.grants)
    return root


def engine_xml(file: Path) -> Element:
    """Return the configuration of an embedded engine: the rights of its single user.

    `file` is the path of this configuration.
    """
    root = Element("clickhouse")
    _add(root, {"users_config": str(file)})
    SubElement(SubElement(root, "profiles"), "default")
    SubElement(SubElement(root, "quotas"), "default")
    own = SubElement(SubElement(root, "users"), "default")
    _add(own, {"password": "", "profile": "default", "quota": "default"})
    _add(SubElement(own, "networks"), {"ip": "::/0"})
    _add_grants(own, OWNER_GRANTS)
    return root


def _add_profile(profile: Element, user: User) -> None:
    _add(profile, user.settings)
    constraints = SubElement(profile, "constraints")
    for name, bounds in user.constraints.items():
        _add(SubElement(constraints, name), bounds)


def _add_grants(user: Element, grants: Sequence[str]) -> None:
    listed = SubElement(user, "grants")
    for grant in grants:
        SubElement(listed, "query").text = grant


def _add(parent: Element, children: Mapping[str, str]) -> None:
    for name, text in children.items():
        SubElement(parent, name).text = text


def _write(path: Path, root: Element) -> None:
    path.touch(mode=OWNER_ONLY)
    path.chmod(OWNER_ONLY)
    path.write_bytes(tostring(root) + b"\n")
