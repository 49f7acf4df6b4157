"""Virtual environments with installed wheels, never with this checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

OUR_DISTRIBUTIONS: Final = ("liquidation_", "_liquidation_")  # as site-packages spells them
# Folders of this checkout, whose names may also occur in users' code.
ROOM_NAMES: Final = ("liq", "processors", "producers", "runtime", "schemas", "sinks", "devstack")
# No index: the wheels of a test, and the tools that build them, are on this host.
OFFLINE: Final = ("--no-index", "--no-deps", "--no-build-isolation")
RUN_SECONDS: Final = 220.0


class VirtualEnvironment:
    """The environment of one test, with links to the libraries of the project's environment.

    A library whose name in site-packages does not pass `is_wanted` is absent. This project's own
    distributions are always absent: `install` adds them as wheels.
    """

    def __init__(self, folder: Path, is_wanted: Callable[[str], bool] = lambda _name: True) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        self.site_packages = Path(
            sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
        )
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            if is_wanted(entry.name) and not entry.name.startswith(OUR_DISTRIBUTIONS):
                (self.site_packages / entry.name).symlink_to(entry)

    def program(self, name: str) -> Path:
        """Return the path of a program of this environment, such as `python`."""
        return self.folder / "bin" / name

    def install(self, *words: str | Path, folder: Path = ROOT) -> None:
        """Run `pip install WORDS` for this environment, from a folder and without an index."""
        self._pip("install", "--no-compile", *OFFLINE, *words, folder=folder)

    def uninstall(self, name: str) -> None:
        """Run `pip uninstall NAME` for this environment."""
        self._pip("uninstall", "--yes", name)

    def check_requirements(self) -> None:
        """Run `pip check`: every installed distribution has what it requires."""
        self._pip("check")

    def run(
        self, program: str, *arguments: str | Path, folder: Path, data: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program of this environment to its end, and return its output."""
        return subprocess.run(
            (self.program(program), *arguments),
            cwd=folder,
            env=clean_environment(),
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def start(
        self, program: str, *arguments: str | Path, folder: Path, environment: dict[str, str]
    ) -> subprocess.Popen[str]:
        """Start a program of this environment, with one pipe for both outputs."""
        return subprocess.Popen(
            (self.program(program), *arguments),
            cwd=folder,
            env={**clean_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _pip(self, *words: str | Path, folder: Path = ROOT) -> None:
        run_pip("--python", self.program("python"), *words, folder=folder)


def build_wheels(target: Path, projects: Iterable[Path]) -> tuple[Path, ...]:
    """Build a wheel of each project, in pure Python, and return their paths in this order."""
    wheels: list[Path] = []
    for number, project in enumerate(projects):
        folder = target / str(number)
        run_pip("wheel", *OFFLINE, "--wheel-dir", folder, project)
        wheels.extend(folder.glob("*.whl"))
    return tuple(wheels)


def run_pip(*words: str | Path, folder: Path = ROOT) -> None:
    """Run the project's own pip, and show its output if it fails."""
    outcome = subprocess.run(
        (sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", *words),
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that change Python's search for modules."""
    return {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}


def write_own_packages(folder: Path, names: Iterable[str]) -> Path:
    """Write packages like those of a user; the import of any of them fails."""
    for name in names:
        package = folder / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"raise RuntimeError('the user\\'s own {name}')\n")
    return folder


def copy_into(folder: Path, names: Iterable[str]) -> None:
    """Copy files and folders of the checkout, as an image's COPY does."""
    folder.mkdir(parents=True)
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
