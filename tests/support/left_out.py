"""The closing section of every test run: the skipped tests, and how to run them."""

import os
from collections import Counter
from collections.abc import Iterable
from typing import Final

import pytest

ELSEWHERE: Final = (
    "make test-slow        what takes more than ten seconds a test",
    "make test-apache      the integration tests on Apache Kafka (Java 17, Maven)",
    "make test-clickhouse  the tests of ClickHouse on its own server (npm)",
    "make test-faults      kills, cut links and full disks on Apache Kafka (Java 17, Maven, npm)",
    "make test-chaos       a campaign of faults that SEED=... picks (Java 17, Maven, npm)",
    "make test-deploy      rules, chart and compose by their own tools (prometheus, Go)",
    "make test-analysis    docs/analysis.md and its notebook (the extra `analysis`)",
    "make test-compiled    the core's tests on the compiled wheel (a C compiler)",
)


def skip_slow(items: Iterable[pytest.Item]) -> None:
    """Skip slow tests if the environment has `SLOW=skip`."""
    if os.environ.get("SLOW") == "skip":
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes long: make test-slow"))


def tell(reporter: pytest.TerminalReporter) -> None:
    """Print the number of skipped tests for each reason; print nothing if every test ran."""
    reasons = Counter(_reason(report) for report in reporter.stats.get("skipped", []))
    if not reasons:
        return
    reporter.section("LEFT OUT", yellow=True, bold=True)
    for reason, count in reasons.most_common():
        reporter.line(f"{count:5} tests: {reason}")
    if os.environ.get("KAFKA", "embedded") == "embedded":
        reporter.line("Other commands run what this one leaves out:")
        for command in ELSEWHERE:
            reporter.line(f"      {command}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the reason in a test's report."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return text.removeprefix("Skipped: ")
