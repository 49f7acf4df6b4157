"""What can be known of the alert rules without Prometheus: names, labels, and the runbook."""

import re
from collections.abc import Iterator

import pytest
import yaml

from liq.runtime.exported import ALL_METRICS
from tests.support.alert_faults import FAULTS
from tests.support.alert_rules import PROMETHEUS, QUIET, Fault, alert_rules, recorded_rules
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
#: The faults begin after ten minutes.
WELL_MINUTES = 10
SCRAPE_MINUTES = 2


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
    assert list(mistakes(expression)) == []


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("sum(liq_lag) > 1", "no worker exports liq_lag"),
        ('liq_feed_stale{venue="okx"} == 1', "liq_feed_stale has no label venue"),
        ("max by (venue) (liq_feed_stale) == 1", "no series has the label venue"),
        ("1 > 0", "the expression names no series"),
    ],
)
def test_a_mistake_in_a_rule_is_a_sentence(expression: str, sentence: str) -> None:
    assert list(mistakes(expression)) == [sentence]


def mistakes(expression: str) -> Iterator[str]:
    """Yield a sentence for each name in an expression that no worker exports."""
    plain = re.sub("|".join(map(re.escape, RECORDED)), "recorded", expression)
    found = list(used(plain))
    if not found and "recorded" not in plain:
        yield "the expression names no series"
    for name, labels in found:
        if name not in NAMES:
            yield f"no worker exports {name}"
        yield from (
            f"{name} has no label {label}" for label in sorted(labels - NAMES.get(name, labels))
        )
    grouped = {
        word.strip()
        for words in re.findall(r"(?:by|on) \(([^)]*)\)", plain)
        for word in words.split(",")
    }
    known = set().union(*(NAMES.get(name, set()) for name, _ in found)) if found else grouped
    yield from (f"no series has the label {label}" for label in sorted(grouped - known))


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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.alert)
def test_an_alert_comes_within_its_time(fault: Fault) -> None:
    """That of `for`, the longest window of the expression, and two minutes of scrapes."""
    rule = alert_rules()[fault.alert]
    expression = rule["expr"]
    for recorded, of in RECORDED.items():
        expression = expression.replace(recorded, of)
    windows = [minutes(each) for each in re.findall(r"\[(\d+[sm])\]", expression)]
    stated = minutes(rule.get("for", "0s")) + max(windows, default=0) + SCRAPE_MINUTES
    assert fault.raised_minutes - WELL_MINUTES <= stated


def minutes(text: str) -> float:
    return int(text[:-1]) / {"s": 60, "m": 1}[text[-1]]


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
