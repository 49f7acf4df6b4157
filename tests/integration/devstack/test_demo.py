"""`liq demo`, as `make demo` runs it: the stated totals, live the same, nothing left running."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import CAPTURES
from tests.support.process_table import processes_of
from tests.support.virtual_environment import ROOM_NAMES, clean_environment, write_own_packages

pytestmark = [pytest.mark.integration, pytest.mark.timeout(480)]

CAPTURE = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
TOTALS = [
    ("binance", "LONG", "498", "13,686,288.09"),
    ("binance", "SHORT", "458", "6,307,970.13"),
    ("bybit", "LONG", "842", "5,684,850.50"),
    ("bybit", "SHORT", "1,979", "23,543,164.57"),
    ("okx", "LONG", "436", "2,417,341.97"),
    ("okx", "SHORT", "552", "5,553,404.66"),
]


def run_demo(directory: Path, *options: str) -> str:
    outcome = subprocess.run(
        (Path(sys.executable).with_name("liq"), "demo", CAPTURE, *options),
        cwd=directory,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for left-over processes in /proc")
def test_the_demo_gives_the_stated_tables_also_live_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    # A user's own packages of our folders' names change nothing.
    write_own_packages(tmp_path, ROOM_NAMES)
    first = run_demo(tmp_path)
    for exchange, side, events, usd in TOTALS:
        assert re.search(rf"{exchange}\s+{side}\s+{events}\s+{re.escape(usd)}\s", first)
    assert re.search(r"4,765\s+4,765\s+57,193,019\.93\s+86\s", first)
    assert re.search(r"07-10 01:48:29\s+01:49:\d\d\s+BTC\s+SHORT", first)
    assert re.search(r"07-10 14:18:53\s+14:19:\d\d\s+BTC\s+LONG", first)
    assert processes_of(tmp_path) == []

    live = run_demo(tmp_path, "--live")
    tables, _, _ = first.partition("Done in")
    assert live.startswith(tables)
    assert processes_of(tmp_path) == []
