"""A closing section of every test run: which tests were left out, and what would run them."""

import os
from collections import Counter
from typing import Final

import pytest

ELSEWHERE: Final = (
    "make test-apache    the integration tests on Apache Kafka (Java 17, Maven)",
    "make test-faults    kills, cut links and full disks on Apache Kafka (Java 17, Maven)",
    "make test-compiled  the core's tests on the compiled wheel (a C compiler)",
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests were skipped for each reason; nothing if every test ran."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if not reasons:
        return
    terminalreporter.section("LEFT OUT", yellow=True, bold=True)
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:5} tests: {reason}")
    if os.environ.get("KAFKA", "embedded") == "embedded":
        terminalreporter.line("Other commands run what this one leaves out:")
        for command in ELSEWHERE:
            terminalreporter.line(f"      {command}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the reason that the test gave."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return text.removeprefix("Skipped: ")
