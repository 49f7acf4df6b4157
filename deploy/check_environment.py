"""`python -m deploy.check_environment`: check the files of compose's environment.

They are `.env` and `deploy/ROLE.env`. Compose ignores a misspelt name in `.env`, and a worker finds
a wrong value only when it starts. This program compares the names with those of the examples, and
lets `liq config` check the values.
"""

import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

ROOT: Final = Path(__file__).parents[1]
SHARED: Final = ".env"
#: The secrets that the rules of notifications name are in its file, under any name.
FREE: Final = frozenset({"notify"})
CONFIG_SECONDS: Final = 60
_interpolated: Final = re.compile(r"\$\{(\w+)")


def mistakes(root: Path) -> Iterator[str]:
    """Yield a sentence for each mistake in the environment files of a checkout."""
    shared = root / SHARED
    if not shared.exists():
        yield f"There is no {SHARED}; copy deploy/example.env and choose a password."
        return
    values = _values(shared)
    known = {*_values(root / "deploy" / "example.env")}
    known |= {*_interpolated.findall((root / "docker-compose.yml").read_text())}
    yield from _in_file(SHARED, values, known)
    if not values.get("CLICKHOUSE_PASSWORD"):
        yield f"{SHARED}: CLICKHOUSE_PASSWORD is empty; choose a password."
    for file in sorted((root / "deploy").glob("*.env")):
        if file.name.endswith("example.env"):
            continue
        name = f"deploy/{file.name}"
        example = file.with_suffix(".example.env")
        if not example.exists():
            yield f"{name} is the file of no role; deploy/ROLE.example.env lists their settings."
            continue
        own = _values(file)
        listed = own if file.stem in FREE else _values(example)
        yield from _in_file(name, own, listed.keys())


def _values(file: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(file).items()}


def _in_file(file: str, values: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """Yield the mistakes of a file: its names, else its values."""
    unknown = list(_unknown(file, values, known))
    yield from unknown or _wrong(file, values)


def _unknown(file: str, values: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    for name in sorted(values.keys() - set(known)):
        meant = get_close_matches(name, known, n=1)
        hint = f"did you mean {meant[0]}?" if meant else "another file may have it."
        yield f"{file}: {name} is no setting of this file; {hint}"


def _wrong(file: str, values: Mapping[str, str]) -> Iterator[str]:
    """Yield what `liq config` says of these values."""
    environment = {"PATH": os.environ["PATH"], **values}
    told = subprocess.run(
        [sys.executable, "-m", "liq.cli.main", "config"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=CONFIG_SECONDS,
        check=False,
    )
    if told.returncode != 0:
        yield f"{file}: {' '.join(told.stderr.split())}"


def main() -> int:
    """Print every mistake; return 1 if there is one."""
    found = list(mistakes(ROOT))
    for sentence in found:
        sys.stderr.write(f"{sentence}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
