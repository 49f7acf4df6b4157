"""A real Prometheus (Debian's package) as a child process, and queries to it."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import Child, Supervisor
from tests.support.alert_rules import PROMETHEUS

BINARY: Final = shutil.which("prometheus")
REASON: Final = "there is no prometheus (Debian: prometheus)"
READY_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 30


def configuration(targets: Mapping[str, str], interval: str = "1s") -> dict[str, Any]:
    """Return the project's configuration with other addresses and an interval of scrapes.

    A job may have several addresses, with commas.
    """
    config: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    del config["alerting"]
    config["global"] = {"scrape_interval": interval, "evaluation_interval": interval}
    config["rule_files"] = [str(PROMETHEUS / "rules" / "*.yml")]
    config["scrape_configs"] = [
        {"job_name": job, "static_configs": [{"targets": address.split(",")}]}
        for job, address in targets.items()
    ]
    return config


class Prometheus:
    """A client of a running Prometheus."""

    def __init__(self, port: int) -> None:
        self._address = f"http://{LOOPBACK}:{port}/api/v1"

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data of a response; an error of Prometheus is an exception of urllib."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        with urlopen(f"{self._address}/{path}{query}", timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)["data"]

    def exported(self, job: str) -> set[str]:
        """Return the metric families in a job's scrapes, with or without series."""
        found = self.ask("targets/metadata", match_target=f'{{job="{job}"}}')
        return {each["metric"] for each in found}

    def firing(self, span: str = "1h") -> set[str]:
        """Return the alerts that have fired within a time, or fire now (`1s`)."""
        found = self.ask("query", query=f'max_over_time(ALERTS{{alertstate="firing"}}[{span}])')
        return {each["metric"]["alertname"] for each in found["result"]}

    def is_up(self, *jobs: str) -> bool:
        """Return whether the last scrape of each job succeeded."""
        found = self.ask("query", query="up == 1")["result"]
        return {each["metric"]["job"] for each in found} >= set(jobs)


@contextmanager
def running_prometheus(
    folder: Path, targets: Mapping[str, str], interval: str = "1s"
) -> Iterator[Prometheus]:
    """Run Prometheus with the project's rules on some targets (job: address).

    A scrape that takes longer than the interval counts as failed.
    """
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(configuration(targets, interval)))
    command = (
        str(BINARY),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={LOOPBACK}:{port}",
    )
    with Supervisor(folder / "prometheus-logs") as supervisor:
        supervisor.start(
            Child(
                name="prometheus",
                command=command,
                environment={},
                is_ready=lambda: answers_http(f"http://{LOOPBACK}:{port}/-/ready"),
                ready_seconds=READY_SECONDS,
            )
        )
        yield Prometheus(port)


def families(expression: str) -> set[str]:
    """Return the engine's metric families in an expression, without endings of series."""
    names = set(re.findall(r"(?<!:)\bliq_[a-z0-9_]+\b(?!:)", expression))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}
