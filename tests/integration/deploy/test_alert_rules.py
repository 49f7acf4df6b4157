"""Prometheus's own tests of the alert rules: each is raised in time by its fault, and clears.

They need `promtool` (Debian's package prometheus).
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.alert_faults import FAULTS
from tests.support.alert_rules import (
    PROMETHEUS,
    QUIET,
    RULE_FILES,
    Fault,
    alert_rules,
    annotations,
)

PROMTOOL = shutil.which("promtool")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool (Debian: prometheus)"),
]
INTERVAL = "30s"
QUIET_MINUTES = range(5, 60, 5)


def promtool(*arguments: str) -> str:
    run = subprocess.run(
        (str(PROMTOOL), *arguments), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def run_rules(folder: Path, *tests: dict[str, Any]) -> None:
    document = {
        "rule_files": [str(path) for path in RULE_FILES],
        "evaluation_interval": INTERVAL,
        "tests": list(tests),
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump(document))
    promtool("test", "rules", str(path))


def series_test(series: Mapping[str, str], alerts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": INTERVAL,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": alerts,
    }


def test_the_configuration_and_the_rules_are_valid() -> None:
    assert "SUCCESS" in promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))
    for path in RULE_FILES:
        promtool("check", "rules", "--lint-fatal", str(path))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.alert)
def test_a_fault_raises_its_alert_and_its_end_clears_it(tmp_path: Path, fault: Fault) -> None:
    quiet = {name: values for name, values in QUIET.items() if name not in fault.without}
    severity = alert_rules()[fault.alert]["labels"]["severity"]
    raised = {
        "exp_labels": {**fault.labels, "severity": severity},
        "exp_annotations": annotations(fault),
    }
    times: tuple[tuple[int, list[Any]], ...] = (
        (9, []),
        (fault.raised_minutes, [raised]),
        (fault.cleared_minutes, []),
    )
    alerts = [
        {"eval_time": f"{minute}m", "alertname": fault.alert, "exp_alerts": expected}
        for minute, expected in times
    ]
    run_rules(tmp_path, series_test({**quiet, **fault.series}, alerts))


def test_a_quiet_hour_raises_nothing(tmp_path: Path) -> None:
    alerts = [
        {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []}
        for minute in QUIET_MINUTES
        for name in alert_rules()
    ]
    run_rules(tmp_path, series_test(QUIET, alerts))
