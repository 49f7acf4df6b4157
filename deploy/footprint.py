"""`python -m deploy.footprint`: print the megabytes that the engine and each extra install.

The files of every required distribution in this environment count; those of the core count once.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENGINE: Final = "liquidation-engine"
#: The extras of production; the others are for development and tests.
EXTRAS: Final = ("notify", "web", "redis", "agents", "analysis")
MEGABYTE: Final = 1e6


def closure(name: str, extra: str = "") -> set[str]:
    """Return the distributions that a name with an extra requires, including itself."""
    found: set[str] = set()
    waiting = [(name, extra)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        try:
            installed = distribution(current[0])
        except PackageNotFoundError:
            continue
        found.add(canonicalize_name(current[0]))
        waiting += _required(installed, current[1])
    return found


def _required(installed: Distribution, extra: str) -> Iterator[tuple[str, str]]:
    for line in installed.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": extra}):
            yield requirement.name, ""
            yield from ((requirement.name, each) for each in requirement.extras)


def not_installed(name: str, extra: str) -> set[str]:
    """Return the requirements of an extra that this environment does not have."""
    found: set[str] = set()
    for required, _ in _required(distribution(name), extra):
        try:
            distribution(required)
        except PackageNotFoundError:
            found.add(canonicalize_name(required))
    return found


def size_mb(names: set[str]) -> float:
    """Return the megabytes of the files of these distributions."""
    total = 0
    for name in names:
        for file in distribution(name).files or ():
            path = file.locate()
            total += path.stat().st_size if path.is_file() else 0  # type: ignore[attr-defined]
    return total / MEGABYTE


def footprint() -> dict[str, float]:
    """Return the megabytes of the core, and the megabytes that each extra adds."""
    core = closure(ENGINE)
    sizes = {"core": size_mb(core)}
    for extra in EXTRAS:
        sizes[extra] = size_mb(closure(ENGINE, extra) - core)
    return sizes


if __name__ == "__main__":
    for name, size in footprint().items():
        sys.stdout.write(f"{name:10} {size:6.0f} MB\n")
