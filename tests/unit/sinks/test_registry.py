"""`liq sink` finds a destination by its name, and imports no other."""

import subprocess
import sys

import pytest

from liq.runtime.settings import Settings
from liq.sinks.registry import DestinationName, create_destination


@pytest.mark.parametrize("name", DestinationName)
def test_every_destination_says_what_it_reads(name: DestinationName) -> None:
    intake = create_destination(name, Settings(), ()).intake
    assert (intake.name, intake.stage) == (name, f"sink-{name}")
    assert intake.topics


def test_no_destination_is_imported_before_it_is_chosen() -> None:
    code = (
        "import sys, liq.cli.commands.sink\n"
        "loaded = [name for name in sys.modules if name.startswith('clickhouse_connect')]\n"
        "sys.exit(f'imported: {loaded}' if loaded else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
