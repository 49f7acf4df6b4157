"""A second try for tests that wait, where CI's two lanes crowd two cores.

`SECOND_TRIES` is the path of a file; without it, there are no second tries. Golden and property
tests wait for nothing and have none. A test that needed one is listed in the file and at the end
of the run.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

SETTING: Final = "SECOND_TRIES"
WITHOUT: Final = frozenset({"golden", "property"})  # directories of tests


def allow(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that may be retried, if the environment allows it."""
    if not os.environ.get(SETTING):
        return
    for item in items:
        if WITHOUT.isdisjoint(item.path.parts):
            item.add_marker(pytest.mark.flaky(reruns=1))


def tell(reporter: pytest.TerminalReporter) -> None:
    """Print the tests that passed at the second try only, and append them to the file."""
    failed = {report.nodeid for report in reporter.stats.get("failed", [])}
    tried = {report.nodeid: report for report in reporter.stats.get("rerun", [])}
    again = sorted(set(tried) - failed)
    if not again or "PYTEST_XDIST_WORKER" in os.environ:
        return
    reporter.section("PASSED AT THE SECOND TRY", yellow=True, bold=True)
    for name in again:
        reporter.line(f"{name}\n{tried[name].longreprtext}")
    with Path(os.environ[SETTING]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}\n" for name in again)
