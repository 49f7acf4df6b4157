"""`python -m deploy.release VERSION`: cut a release here, or rehearse it with `--dry-run`.

A release is one commit: the version in every file that states it, and the changelog's "Unreleased"
under the version's heading. `--dry-run` does both in a copy, builds the three wheels there, and
changes nothing here. The command prints the manual steps that follow (tag, wheels, image);
CONTRIBUTING.md has the procedure.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from packaging.version import InvalidVersion, Version

ROOT: Final = Path(__file__).resolve().parent.parent
CHANGELOG: Final = "CHANGELOG.md"
UNRELEASED: Final = "## Unreleased"
#: Each file that states the version, and a pattern of the lines whose group is the version.
STATED: Final[Mapping[str, str]] = {
    "pyproject.toml": r'(?m)^version = "(.+)"$|"liquidation-(?:schemas|devstack)==([^"]+)"',
    "schemas/pyproject.toml": r'(?m)^version = "(.+)"$',
    "devstack/pyproject.toml": r'(?m)^version = "(.+)"$|"liquidation-engine==([^"]+)"',
    "deploy/helm/liquidation-engine/Chart.yaml": r"(?m)^(?:version|appVersion): (.+)$",
    "docker-compose.yml": r"(?m)^ *image: liquidation-engine:(.+)$",
}
PROJECTS: Final = (".", "./schemas", "./devstack")
NEXT: Final = """\
Next, by hand:
  git commit --all --message "release: {version}" && git tag v{version}
  .ci/run --long        # of a fresh clone at that tag
  make wheel            # dist/*.whl with the compiled core
  docker build --tag liquidation-engine:{version} .
"""


class ReleaseError(Exception):
    """Error of a release that cannot be cut; the message says what to change."""


def cut_changelog(text: str, version: str, day: date) -> str:
    """Return the changelog with the unreleased changes under the heading of a version.

    Raises:
        ReleaseError: nothing is unreleased, or the version has a heading already.
    """
    before, found, rest = text.partition(f"{UNRELEASED}\n")
    if not found:
        raise ReleaseError(f"{CHANGELOG} has no heading {UNRELEASED!r}.")
    changes, next_heading, older = rest.partition("\n## ")
    if not changes.strip():
        raise ReleaseError(f"{CHANGELOG} has nothing under {UNRELEASED!r}: there is no release.")
    if re.search(rf"(?m)^## \[?{re.escape(version)}\b", text):
        raise ReleaseError(f"{CHANGELOG} has a section of {version} already.")
    heading = f"## {version} - {day.isoformat()}\n"
    return f"{before}{UNRELEASED}\n\n{heading}{changes}{next_heading}{older}"


def stated_versions(root: Path) -> dict[str, set[str]]:
    """Return the versions that each file of a checkout states."""
    return {
        name: {
            next(group for group in found.groups() if group)
            for found in re.finditer(pattern, (root / name).read_text(encoding="utf-8"))
        }
        for name, pattern in STATED.items()
    }


def current_version(root: Path) -> Version:
    """Return the version that all files of a checkout state.

    Raises:
        ReleaseError: the files state different versions, or a file states none.
    """
    stated = stated_versions(root)
    versions = set().union(*stated.values())
    if len(versions) != 1 or not all(stated.values()):
        raise ReleaseError(f"The files do not state one version: {stated}.")
    return Version(versions.pop())


def cut(root: Path, wanted: str, day: date) -> None:
    """Write a version and the changelog's cut into a checkout.

    Raises:
        ReleaseError: the version is not valid, or not above the present one.
    """
    try:
        version = Version(wanted)
    except InvalidVersion:
        raise ReleaseError(f"{wanted!r} is no version; write one like 1.2.0.") from None
    present = current_version(root)
    changelog = (root / CHANGELOG).read_text(encoding="utf-8")
    # The first release has the version that the files have stated until then.
    is_first = re.search(r"(?m)^## \d", changelog) is None
    if version < present or (version == present and not is_first):
        raise ReleaseError(f"{version} is not above {present}, the present version.")
    released = cut_changelog(changelog, str(version), day)
    (root / CHANGELOG).write_text(released, encoding="utf-8")
    for name, pattern in STATED.items():
        path = root / name

        def replaced(found: re.Match[str]) -> str:
            return found[0].replace(str(present), str(version))

        text = re.sub(pattern, replaced, path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")


def rehearse(wanted: str, day: date) -> list[str]:
    """Cut the release in a copy of the last commit, build its wheels, and return their names."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        _run("git", "clone", "--quiet", "--shared", str(ROOT), str(copy))
        cut(copy, wanted, day)
        wheels = copy / "wheels"
        build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels))
        _run(sys.executable, *build, *PROJECTS, folder=copy)
        names = sorted(each.name for each in wheels.iterdir())
        if len(names) != len(PROJECTS) or not all(f"-{Version(wanted)}-" in one for one in names):
            raise ReleaseError(f"The wheels are not those of {wanted}: {names}.")
        return names


def main() -> None:
    """Cut or rehearse the release of the command line's version."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version")
    parser.add_argument("--dry-run", action="store_true", help="in a copy; build the wheels there")
    options = parser.parse_args()
    today = datetime.now(UTC).date()
    try:
        if options.dry_run:
            sys.stdout.write("\n".join([*rehearse(options.version, today), ""]))
        else:
            cut(ROOT, options.version, today)
            sys.stdout.write(NEXT.format(version=options.version))
    except ReleaseError as error:
        sys.exit(str(error))


def _run(*command: str, folder: Path = ROOT) -> None:
    done = subprocess.run(  # noqa: S603 - commands of this module
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"{' '.join(command)} failed: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
