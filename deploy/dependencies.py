"""Print our distributions' dependencies, one requirement a line, for pip to check their hashes.

    python deploy/dependencies.py agents redis web > dependencies.txt
    pip install --require-hashes --constraint constraints.txt --requirement dependencies.txt

pip checks no hashes while it installs a folder, and installs no folder while it checks hashes. So
dependencies are installed first, by this list, and our own folders after them with `--no-deps`.
Without arguments the list has the core's dependencies. It needs nothing but Python 3.11.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: The project file of each of our distributions.
OURS = {
    "liquidation-engine": ROOT / "pyproject.toml",
    "liquidation-schemas": ROOT / "schemas" / "pyproject.toml",
    "liquidation-devstack": ROOT / "devstack" / "pyproject.toml",
}
_requirement = re.compile(r"([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?")


def dependencies(distribution: str, extras: list[str]) -> Iterator[str]:
    """Yield the requirements of one of our distributions with extras, without our own packages.

    Raises:
        KeyError: there is no such extra.
    """
    project = tomllib.loads(OURS[distribution].read_text())["project"]
    optional = project.get("optional-dependencies", {})
    needed = [
        *project.get("dependencies", ()),
        *(each for name in extras for each in optional[name]),
    ]
    for requirement in needed:
        match = _requirement.match(requirement)
        if match is not None and match[1] in OURS:
            inner = [each.strip() for each in (match[2] or "").split(",") if each.strip()]
            if match[1] != distribution or inner:
                yield from dependencies(match[1], inner)
        else:
            yield requirement


if __name__ == "__main__":
    try:
        found = sorted(set(dependencies("liquidation-engine", sys.argv[1:])))
    except KeyError as error:
        sys.exit(f"There is no extra {error}; pyproject.toml lists them.")
    sys.stdout.write("".join(f"{each}\n" for each in found))
