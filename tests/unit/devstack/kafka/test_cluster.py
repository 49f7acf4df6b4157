"""What `KAFKA=apache` needs before a broker runs: Java, jars, and a file of properties."""

import os
import re
import stat
from pathlib import Path
from uuid import UUID

import pytest

from liq.devstack.kafka.artifacts import POM, java_binary, kafka_jars
from liq.devstack.kafka.cluster import new_cluster_id
from liq.devstack.kafka.properties import Node, properties_text, server_properties
from liq.devstack.options import StackOptions, load_stack_options
from liq.runtime.errors import ConfigurationError
from tests.support.paths import DOCS

# Writes a jar where Maven would, and counts its runs beside it.
COPIES = """
for argument; do case "$argument" in -DoutputDirectory=*) target="${argument#*=}";; esac; done
mkdir -p "$target" && echo jar > "$target/kafka.jar" && echo run >> "$MAVEN_RUNS"
"""


def program(directory: Path, name: str, script: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def nodes(count: int, directory: Path = Path("data"), **extra_ports: int) -> list[Node]:
    return [
        Node(number, 20_000 + number, 21_000 + number, directory / str(number), extra_ports)
        for number in range(1, count + 1)
    ]


def test_without_java_the_sentence_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"Java 17 or newer.*set JAVA_HOME"):
        java_binary()


def java_of_version(directory: Path, version: str) -> Path:
    return program(directory / "bin", "java", f"echo 'openjdk version \"{version}\" 2025' >&2")


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_of_version(tmp_path, "11.0.2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"needs Java 17 or newer.*is version 11"):
        java_binary()


@pytest.mark.parametrize("version", ["17", "17.0.15", "25-ea"])
def test_java_17_and_newer_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    java = java_of_version(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java_binary() == str(java)


def test_maven_runs_once_for_a_pom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "mvn", COPIES)
    runs = tmp_path / "runs"
    monkeypatch.setenv("MAVEN_RUNS", str(runs))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    first = kafka_jars(tmp_path / "cache")
    assert kafka_jars(tmp_path / "cache") == first
    assert [file.name for file in first.iterdir()] == ["kafka.jar"]
    assert runs.read_text().split() == ["run"]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [first.name]


def test_without_maven_the_sentence_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"mvn is not installed.*KAFKA_JARS_DIR"):
        kafka_jars(tmp_path)


def test_what_maven_complains_about_is_shown_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "mvn", "echo '[ERROR] no such host'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(ConfigurationError, match="no such host"):
        kafka_jars(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_pom_is_shipped_with_the_package() -> None:
    assert "<artifactId>kafka_2.13</artifactId>" in POM.read_text()


def test_three_nodes_vote_and_replicate() -> None:
    three = nodes(3)
    properties = server_properties(three[1], three, listeners={}, extra={})
    assert properties["controller.quorum.voters"] == (
        "1@127.0.0.1:21001,2@127.0.0.1:21002,3@127.0.0.1:21003"
    )
    assert properties["default.replication.factor"] == "3"
    assert properties["min.insync.replicas"] == "2"
    assert properties["node.id"] == "2"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:20002"


def test_one_node_needs_no_other() -> None:
    one = nodes(1)
    properties = server_properties(one[0], one, listeners={}, extra={})
    assert properties["offsets.topic.replication.factor"] == "1"
    assert properties["min.insync.replicas"] == "1"


def test_further_listeners_are_advertised_and_further_properties_win() -> None:
    one = nodes(1, SECURE=22_001)
    properties = server_properties(
        one[0],
        one,
        listeners={"SECURE": "SASL_SSL"},
        extra={"min.insync.replicas": "7", "ssl.keystore.type": "PEM"},
    )
    assert "SECURE://127.0.0.1:22001" in properties["advertised.listeners"].split(",")
    assert "SECURE:SASL_SSL" in properties["listener.security.protocol.map"].split(",")
    assert properties["min.insync.replicas"] == "7"
    assert properties["ssl.keystore.type"] == "PEM"


def test_values_are_written_as_java_reads_them() -> None:
    text = properties_text({"log.dirs": "/home/jos\u00e9/\U0001f40b", "pem": "one\ntwo\\"})
    assert text == "log.dirs=/home/jos\\u00e9/\\ud83d\\udc0b\npem=one\\ntwo\\\\\n"


def test_two_brokers_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BROKERS", "2")
    with pytest.raises(ConfigurationError, match=r"KAFKA_BROKERS: .*give 1 or 3"):
        load_stack_options()


def test_the_page_about_brokers_has_every_setting_and_the_version() -> None:
    page = (DOCS / "brokers.md").read_text()
    missing = [
        name
        for name in StackOptions.model_fields
        if "clickhouse" not in name and f"| `{name.upper()}` |" not in page
    ]
    assert missing == []
    [version] = re.findall(r"kafka_2\.13</artifactId>\s*<version>(.*?)</version>", POM.read_text())
    assert f"Apache Kafka {version}" in page


def test_no_cluster_id_looks_like_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [UUID(bytes=bytes([first] * 16)) for first in (0xF8, 0xFB, 0x42)]
    monkeypatch.setattr("uuid.uuid4", lambda: drawn.pop(0))
    assert new_cluster_id() == "QkJCQkJCQkJCQkJCQkJCQg"
    assert drawn == []
