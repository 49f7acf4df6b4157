"""The rehearsal of a release builds the wheels of the version and changes nothing here."""

import subprocess
import sys

import pytest

from deploy.release import CHANGELOG
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration


@pytest.mark.slow
def test_a_rehearsal_builds_three_wheels_and_leaves_the_checkout_alone() -> None:
    before = (ROOT / CHANGELOG).read_bytes()
    done = subprocess.run(
        (sys.executable, "-m", "deploy.release", "99.0.0", "--dry-run"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        f"liquidation_{name}-99.0.0-py3-none-any.whl" for name in ("devstack", "engine", "schemas")
    ]
    assert (ROOT / CHANGELOG).read_bytes() == before
