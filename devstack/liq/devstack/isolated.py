"""The command lines of the two helper programs, `child.py` and `guard.py`.

They run by path in an isolated interpreter, which starts in a few milliseconds and ignores the
project, the user's site packages and PYTHON* variables.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path(__file__).parent
_INTERPRETER = (sys.executable, "-I", "-S")


def child_command(guard_descriptor: int, command: Sequence[str]) -> list[str]:
    """Return the command line that reports to the guard and then executes `command`."""
    return [*_INTERPRETER, str(_FOLDER / "child.py"), str(guard_descriptor), *command]


def guard_command(grace_seconds: float) -> list[str]:
    """Return the command line of the guard."""
    return [*_INTERPRETER, str(_FOLDER / "guard.py"), str(grace_seconds)]
