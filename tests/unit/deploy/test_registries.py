"""Documents and code name packages, never the hosts that serve them."""

import subprocess

from tests.support.paths import ROOT

HOSTS = r"https?://[a-z0-9.-]*(pypi|pythonhosted|npmjs|maven|golang|crates|debian)"
NAMESPACE = 'xmlns="'  # an XML name that looks like an address


def test_nothing_links_to_a_package_registry() -> None:
    found = subprocess.run(
        ("git", "grep", "--untracked", "-nIE", HOSTS),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode in {0, 1}, found.stderr
    assert [line for line in found.stdout.splitlines() if NAMESPACE not in line] == []
