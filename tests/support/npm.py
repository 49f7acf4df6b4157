"""Packages of npm for tests, installed once in the user's cache."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL_SECONDS = 600


def node_packages(*packages: str) -> Path:
    """Return a folder in which Node finds these packages, each `NAME@VERSION`.

    The test is skipped where npm is missing, and where nothing is cached and npm cannot install.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs Node.js and npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    words = "_".join(sorted(packages)).replace("/", "-").replace("@", "-").strip("-")
    folder = cache / "liquidation-engine" / f"npm-{words}"
    done = folder / "installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        command = (npm, "install", "--no-audit", "--no-fund", "--no-save", "--silent", *packages)
        installed = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=INSTALL_SECONDS, check=False
        )
        if installed.returncode != 0:
            pytest.skip("npm cannot install what the test needs; is there a network?")
        done.touch()
    return folder


def run_node(folder: Path, program: str, *arguments: str, seconds: float = 120) -> str:
    """Run a program with the packages of a folder; return its output."""
    finished = subprocess.run(
        ("node", "-e", program, *arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
