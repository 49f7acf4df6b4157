"""The files of a server: no secret in plain text for others, every shard in the cluster."""

from pathlib import Path

from liq.devstack.clickhouse_server.configuration import (
    CLUSTER,
    OWNER_GRANTS,
    READER_GRANT,
    Node,
    User,
    server_xml,
    users_xml,
    write_configuration,
)

OWNER = User(name="owner", password="a <b> & c")
READER = User(
    name="reader",
    password="r",
    grants=(READER_GRANT,),
    settings={"readonly": "2"},
)


def nodes(directory: Path) -> list[Node]:
    return [Node(n, 20_000 + n, 21_000 + n, directory / str(n)) for n in (1, 2, 3)]


def test_every_server_knows_every_shard_and_how_to_log_in(tmp_path: Path) -> None:
    cluster = nodes(tmp_path)
    for node in cluster:
        root = server_xml(node, Path("users.xml"), cluster, OWNER, {"max_concurrent_queries": "7"})
        replicas = root.findall(f"remote_servers/{CLUSTER}/shard/replica")
        assert [replica.findtext("port") for replica in replicas] == ["21001", "21002", "21003"]
        assert {replica.findtext("password") for replica in replicas} == {"a <b> & c"}
        assert root.findtext("path") == str(node.data)
        assert root.findtext("max_concurrent_queries") == "7"


def test_users_have_hashed_passwords_rights_and_settings() -> None:
    root = users_xml((OWNER, READER))
    assert "a <b>" not in (root.findtext("users/owner/password_sha256_hex") or "a <b>")
    assert [each.text for each in root.findall("users/owner/grants/query")] == [*OWNER_GRANTS]
    assert root.findtext("users/reader/grants/query") == READER_GRANT
    assert root.findtext(f"profiles/{root.findtext('users/reader/profile')}/readonly") == "2"
    assert {each.text for each in root.findall("users/*/networks/ip")} == {"127.0.0.1/32"}


def test_only_its_owner_can_read_the_files(tmp_path: Path) -> None:
    [node, *_] = nodes(tmp_path)
    write_configuration(node, [node], (OWNER,), {})
    for path in (node.configuration, node.directory / "users.xml"):
        assert path.stat().st_mode & 0o077 == 0
