"""What can be known of the alert rules without Prometheus: names, labels, and the runbook."""

import re
from collections.abc import Iterator

import pytest
import yaml

from liq.runtime.exported import ALL_METRICS
from tests.support.alert_faults import FAULTS
from tests.support.alert_rules import PROMETHEUS, QUIET, alert_rules, recorded_rules
from tests.support.paths import DOCS, ROOT

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
RECORDED = recorded_rules()
#: What every Prometheus client exports, what Prometheus adds, and what knows of disks.
FOREIGN = {
    "up": {"job", "instance"},
    "process_start_time_seconds": {"job", "instance"},
    **{
        f"node_filesystem_{each}_bytes": {"job", "instance", "mountpoint", "fstype"}
        for each in ("avail", "size")
    },
    **{
        f"kubelet_volume_stats_{each}_bytes": {"job", "namespace", "persistentvolumeclaim"}
        for each in ("available", "capacity")
    },
}
ADDED_BY_PROMETHEUS = {"job", "instance", "le"}
ALERTS = sorted(alert_rules())


def series_names() -> dict[str, set[str]]:
    """Return every name that our workers export, with its labels."""
    names: dict[str, set[str]] = dict(FOREIGN)
    for metric in ALL_METRICS:
        labels = {*metric._labelnames, *ADDED_BY_PROMETHEUS}
        for family in metric.describe():
            for ending in ("", "_total", "_bucket", "_count", "_sum"):
                names[family.name + ending] = labels
    return names


NAMES = series_names()


def used(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Return the series of an expression, each with the labels of its selector."""
    for name, selector in re.findall(
        r"\b(liq_\w+|up|process_\w+|node_\w+|kubelet_\w+)(?:{([^}]*)})?", expression
    ):
        yield name, set(re.findall(r"(\w+)(?:=~|!~|!=|=)", selector))


@pytest.mark.parametrize("expression", [
    *(pytest.param(rule["expr"], id=name) for name, rule in alert_rules().items()),
    *(pytest.param(expression, id=name) for name, expression in RECORDED.items()),
])  # fmt: skip
def test_a_rule_names_metrics_and_labels_that_workers_export(expression: str) -> None:
    plain = re.sub("|".join(map(re.escape, RECORDED)), "recorded", expression)
    found = list(used(plain))
    assert found or "recorded" in plain
    for name, labels in found:
        assert name in NAMES, f"no worker exports {name}"
        assert labels <= NAMES[name], f"{name} has no label {labels - NAMES[name]}"
    grouped = {
        word.strip()
        for words in re.findall(r"(?:by|on) \(([^)]*)\)", plain)
        for word in words.split(",")
    }
    known = set().union(*(NAMES[name] for name, _ in found)) if found else grouped
    assert grouped <= known


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_severity_a_sentence_and_a_page(alert: str) -> None:
    rule = alert_rules()[alert]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^### (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor == alert.lower()
    assert alert in headings


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    headings = re.findall(r"^### (Liq\w+)$", (DOCS / "runbook.md").read_text(), re.MULTILINE)
    assert sorted(headings) == ALERTS


@pytest.mark.parametrize("alert", ALERTS)
def test_a_section_says_what_is_seen_checked_mended_and_lost(alert: str) -> None:
    text = (DOCS / "runbook.md").read_text()
    section = text.partition(f"### {alert}\n")[2].partition("\n### ")[0].lower()
    for word in ("**you see**", "**check**", "**mend**", "**lost**"):
        assert word in section


def test_every_alert_has_a_fault_and_quiet_series() -> None:
    assert sorted(fault.alert for fault in FAULTS) == ALERTS
    quiet = {name.partition("{")[0] for name in QUIET}
    for rule in alert_rules().values():
        expression = rule["expr"]
        for recorded, of in RECORDED.items():
            expression = expression.replace(recorded, of)
        for name, _ in used(expression):
            assert name in quiet, f"the quiet hour has no {name}"


def test_prometheus_scrapes_every_worker_of_compose_at_its_port() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    jobs = {
        job["job_name"]: (source["names"], source["port"])
        for job in config["scrape_configs"]
        for source in job["dns_sd_configs"]
    }
    workers = {
        name
        for name, body in SERVICES.items()
        if "build" in body and any(str(port).endswith(":8080") for port in body.get("ports", ()))
    }
    disks = {"node": (["node-exporter"], 9100)}
    assert jobs == {name: ([name], 8080) for name in workers} | disks
