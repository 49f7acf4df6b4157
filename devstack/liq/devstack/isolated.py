"""Command lines of the two helper programs that every child process is started with.

They are run by path in an isolated interpreter: they start in a few milliseconds and see neither
the project, nor the user's site packages, nor PYTHON* variables.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path(__file__).parent
_INTERPRETER = (sys.executable, "-I", "-S")


def child_command(guard_descriptor: int, command: Sequence[str]) -> list[str]:
    """Report to the guard, then become `command`."""
    return [*_INTERPRETER, str(_FOLDER / "child.py"), str(guard_descriptor), *command]


def guard_command(grace_seconds: float) -> list[str]:
    """End the reported children when standard input ends."""
    return [*_INTERPRETER, str(_FOLDER / "guard.py"), str(grace_seconds)]
