"""Prometheus's own tests of the alert rules: each is raised in time by its fault, and clears.

They need `promtool` (Debian's package prometheus).
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
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
#: The sample at which a worker is killed, half a minute after the one before.
KILLED = 21
SAMPLES = 121
JOBS = ("produce", "normalize", "detect", "sink", "reference", "notify")
GAP = 'liq_feed_events_total{job="produce",exchange="okx",feed="usdm",event="gap"}'


def promtool(*arguments: str) -> str:
    run = subprocess.run(
        (str(PROMTOOL), *arguments), capture_output=True, text=True, timeout=240, check=False
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


def samples(notation: str) -> Iterator[float | None]:
    """Return the samples of a series in promtool's notation; None where there is none."""
    for word in notation.split():
        if word == "_":
            yield None
            continue
        found = re.fullmatch(r"([\d.]+)(?:\+([\d.]+))?(?:x(\d+))?", word)
        assert found is not None, word
        first, step, times = found.groups("0")
        for number in range(int(times) + 1):
            yield float(first) + number * float(step)


def restarted(name: str, notation: str) -> str:
    """Return the series of a worker that is killed and answers again at the next scrape.

    Its counters begin anew, and those that have counted nothing since are absent.
    """
    found = list(samples(notation))[:SAMPLES]
    after = found[KILLED + 1 :]
    if re.search(r"_(total|bucket)\{", name):
        before = found[KILLED] or 0
        after = [None if each is None or each == before else each - before for each in after]
    values = [*found[:KILLED], None, *after]
    return " ".join("_" if each is None else f"{each:g}" for each in values)


def killed(job: str) -> dict[str, str]:
    """Return the quiet series, with the only worker of a job killed and back within seconds."""
    of_job = {name: values for name, values in QUIET.items() if f'job="{job}"' in name}
    instance = f'{{job="{job}",instance="{job}:8080"'
    gone = {name for name in of_job if "sink2" in name}
    return {
        **{name: values for name, values in QUIET.items() if name not in gone},
        **{name: restarted(name, values) for name, values in of_job.items() if name not in gone},
        f"up{instance}}}": f"1x{KILLED - 1} 0 1x99",
        f"process_start_time_seconds{instance}}}": f"1000x{KILLED - 1} _ 2000x99",
        f'liq_ready{instance},condition="kafka"}}': f"1x{KILLED - 1} _ 0 0 1x97",
    }


def quiet_but_for(*names: str) -> list[dict[str, Any]]:
    return [
        {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []}
        for minute in QUIET_MINUTES
        for name in alert_rules()
        if name not in names
    ]


@pytest.mark.parametrize("job", JOBS)
def test_a_worker_that_is_killed_and_back_within_seconds_raises_nothing(
    tmp_path: Path, job: str
) -> None:
    run_rules(tmp_path, series_test(killed(job), quiet_but_for()))


def test_a_producer_without_a_twin_raises_its_gap_alone(tmp_path: Path) -> None:
    """Frames may be missing then, so this restart is not silent."""
    gap = {GAP: f"_x{KILLED} 1x99"}
    raised = {
        "eval_time": "15m",
        "alertname": "LiqFeedGap",
        "exp_alerts": [
            {
                "exp_labels": {"exchange": "okx", "feed": "usdm", "severity": "warning"},
                "exp_annotations": annotations(
                    Fault("LiqFeedGap", gap, {"exchange": "okx", "feed": "usdm"}, 0, 0)
                ),
            }
        ],
    }
    alerts = [*quiet_but_for("LiqFeedGap"), raised]
    run_rules(tmp_path, series_test({**killed("produce"), **gap}, alerts))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("for: 30s", "for: 30 seconds", "not a valid duration string"),
        ("max by (scope)", "max by scope", "could not parse expression"),
        ("labels: {severity: critical}", "lables: {severity: critical}", "lables not found"),
        ("{{ $labels.scope }}", "{{ $label.scope }}", 'undefined variable "$label"'),
    ],
)
def test_a_mistake_in_a_rule_fails_at_lint_with_a_sentence(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    text = (PROMETHEUS / "rules" / "detection.yml").read_text()
    assert before in text
    file = tmp_path / "detection.yml"
    file.write_text(text.replace(before, after, 1))
    run = subprocess.run(
        (str(PROMTOOL), "check", "rules", "--lint-fatal", str(file)),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode != 0
    assert words in run.stdout + run.stderr
