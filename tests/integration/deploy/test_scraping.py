"""Every worker, scraped by a real Prometheus: what rules and panels name is exported."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from liq.devstack.exchange.registry import dialect
from liq.devstack.exchange.server import LocalExchange
from liq.devstack.ports import free_port
from liq.runtime.settings import Settings
from tests.conftest import MakeSettings, RunWorker, Worker
from tests.support.alert_rules import alert_rules, recorded_rules
from tests.support.contract_server import ContractServer
from tests.support.dashboards import promql, queries
from tests.support.local_venues import sending
from tests.support.notify_rules import ENVIRONMENT, WHOLE
from tests.support.prometheus_server import (
    BINARY,
    REASON,
    Prometheus,
    families,
    running_prometheus,
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(BINARY is None, reason=REASON),
    pytest.mark.usefixtures("broker", "clickhouse"),
]
WaitUntil = Callable[..., None]
#: docs/logs.md
FIELDS: Final = {"timestamp", "level", "event", "logger", "worker", "slot"}
#: The job of each kind of worker, with its command.
WORKERS: Final = {
    "normalize": ("process", "normalize"),
    "detect": ("process", "detect"),
    "sink": ("sink", "clickhouse"),
    "reference": ("reference",),
    "backfill": ("backfill",),
    "notify": ("notify",),
    "serve": ("serve",),
    "produce": ("produce", "okx"),
}


@pytest.fixture
def settings(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", "okx")
    return make_settings()


@dataclass(frozen=True, slots=True)
class Watched:
    """Every kind of worker, and a Prometheus with our rules that scrapes them."""

    workers: dict[str, Worker]
    prometheus: Prometheus


@pytest.fixture
def watched(tmp_path: Path, settings: Settings, run_worker: RunWorker) -> Iterator[Watched]:
    assert run_worker("migrate", settings=settings, is_task=True).wait() == 0
    notify_rules = tmp_path / "notify.yaml"
    notify_rules.write_text(WHOLE)
    with ExitStack() as stack:
        exchange = stack.enter_context(LocalExchange(dialect("okx", "public")))
        stack.enter_context(sending([exchange]))
        contracts = stack.enter_context(ContractServer())
        environment = {
            **exchange.environment,
            **contracts.environment,
            **ENVIRONMENT,
            "NOTIFY_RULES": str(notify_rules),
            "WEB_PORT": str(free_port()),
        }
        workers = {
            job: run_worker(*command, settings=settings, environment=environment)
            for job, command in WORKERS.items()
        }
        targets = {
            job: worker.health_url.removeprefix("http://") for job, worker in workers.items()
        }
        yield Watched(workers, stack.enter_context(running_prometheus(tmp_path, targets)))


def test_a_real_prometheus_finds_what_rules_and_panels_name(
    watched: Watched, wait_until: WaitUntil
) -> None:
    prometheus = watched.prometheus
    wait_until(lambda: prometheus.is_up(*WORKERS))
    exported = {job: prometheus.exported(job) for job in WORKERS}
    anywhere = set().union(*exported.values())
    for name, expression in {**alert_expressions(), **recorded_rules()}.items():
        missing = {each for each in families(expression) if not is_in(each, anywhere)}
        assert missing == set(), f"{name} names metrics that no worker exports"
    assert not any("liq_sink_insert" in name for name in exported["normalize"])
    for job in WORKERS:
        [build] = prometheus.ask("query", query=f'liq_build_info{{job="{job}"}}')["result"]
        assert build["metric"]["worker"].startswith((job, "process-", "sink-"))

    def every_rule_was_evaluated() -> bool:
        groups = prometheus.ask("rules")["groups"]
        return {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}

    wait_until(every_rule_was_evaluated)
    for query in queries():
        if query.datasource == "liq-prometheus":
            text = promql(query.text)
            missing = {each for each in families(text) if not is_in(each, anywhere)}
            assert missing == set(), f"{query.panel} names metrics that no worker exports"
            answer = prometheus.ask("query", query=text)
            assert answer["resultType"] in {"vector", "scalar"}, query.panel
    # A frame has gone through, so that what is recorded from counters has series.
    flow = 'sum(rate(liq_frames_normalized_total{exchange="okx"}[1m])) > 0'
    wait_until(lambda: bool(prometheus.ask("query", query=flow)["result"]))
    assert {job: worker.stop() for job, worker in watched.workers.items()} == dict.fromkeys(
        WORKERS, 0
    )
    check_logs(watched.workers)


def check_logs(workers: dict[str, Worker]) -> None:
    """Every line is JSON with the fields that docs/logs.md promises: no banner of a library."""
    for job, worker in workers.items():
        lines = worker.log.splitlines()
        assert lines, job
        for line in lines:
            assert line.startswith("{"), f"{job} wrote {line!r}"
            fields = json.loads(line)
            assert fields.keys() >= FIELDS, line
            assert fields["worker"].startswith((job, "process-", "sink-"))
            if fields["level"] in {"debug", "info"}:
                assert fields["event"].replace("_", "").isalnum(), line


def alert_expressions() -> dict[str, str]:
    return {name: rule["expr"] for name, rule in alert_rules().items()}


def is_in(family: str, exported: set[str]) -> bool:
    return family in exported or family.removesuffix("_total") in exported
