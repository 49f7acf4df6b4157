"""What `liq rights` prints: lines that kafka-acls.sh takes, and the documented ClickHouse users."""

import re
import shlex
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from liq.cli.main import app
from liq.cli.rights.clickhouse import statements
from liq.cli.rights.kafka import NEEDS, OPERATOR, WORKERS, Operation, Resource, worker_acls
from liq.runtime.exported import OF_WORKER
from liq.runtime.settings import Settings
from liq.schemas.topics import Topics
from tests.support.paths import DOCS

runner = CliRunner()
PUBLIC = {spec.name for spec in Topics().specs(()) if spec.is_public}


def settings() -> Settings:
    return Settings.model_construct()


def test_every_kind_of_worker_has_its_rights() -> None:
    kinds = {name.removeprefix("process-") for name in OF_WORKER} - {"rehearse"}
    assert kinds | {"reader", OPERATOR} == set(WORKERS)


@pytest.mark.parametrize("worker", WORKERS)
def test_a_line_for_each_right_that_kafka_s_tool_takes(worker: str) -> None:
    said = runner.invoke(app, ["rights", "kafka", worker, "--principal", "User:me"])
    assert said.exit_code == 0, said.output
    lines = [shlex.split(line) for line in said.output.splitlines() if not line.startswith("#")]
    acls = worker_acls(settings(), worker)
    assert len(lines) == len(acls)
    for words, acl in zip(lines, acls, strict=True):
        assert words[0] == "kafka-acls.sh"
        options = list(pairwise(words))
        assert ("--allow-principal", "User:me") in options
        assert (f"--{acl.resource}", acl.name) in options
        found = {value for option, value in options if option == "--operation"}
        assert found == {operation.value for operation in acl.operations}
        assert (("--resource-pattern-type", "prefixed") in options) == acl.is_prefix


def test_a_reader_reads_public_topics_and_writes_none() -> None:
    acls = worker_acls(settings(), "reader")
    assert {acl.name for acl in acls if acl.resource is Resource.TOPIC} == PUBLIC
    assert {operation for acl in acls for operation in acl.operations} == {Operation.READ}


def test_no_worker_may_create_or_alter_a_topic() -> None:
    changing = {Operation.CREATE, Operation.ALTER, Operation.ALTER_CONFIGS}
    for worker in NEEDS:
        for acl in worker_acls(settings(), worker):
            assert changing.isdisjoint(acl.operations)


def test_an_unknown_worker_is_refused_with_the_known_ones() -> None:
    said = runner.invoke(app, ["rights", "kafka", "detector"])
    assert said.exit_code == 78
    assert "detect" in said.output


def test_names_follow_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPIC_NAMESPACE", "desk")
    monkeypatch.setenv("CLICKHOUSE_DATABASE", "trades")
    monkeypatch.setenv("CLICKHOUSE_CLUSTER", "main")
    kafka = runner.invoke(app, ["rights", "kafka", "normalize"]).output
    assert "'desk.raw.'" in kafka
    assert "liquidations" not in kafka
    clickhouse = runner.invoke(app, ["rights", "clickhouse", "--prefix", "desk_"]).output
    assert "GRANT SELECT ON trades.* TO desk_reader;" in clickhouse
    assert "GRANT CLUSTER ON *.* TO desk_migrator;" in clickhouse


def test_the_users_are_those_that_the_page_documents_and_tests_give_a_server() -> None:
    page = (DOCS / "clickhouse.md").read_text()
    [documented] = re.findall(r"```sql\n(CREATE USER liq_migrator.*?)```", page, re.DOTALL)
    assert statements("liquidations", "liq_").split() == documented.split()
