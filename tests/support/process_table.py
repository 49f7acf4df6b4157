"""The processes that use a directory."""

import os
from pathlib import Path


def processes_of(directory: Path) -> list[str]:
    """Return the command lines of other processes that run in a directory or name it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            works_there = (entry / "cwd").readlink().is_relative_to(directory)
        except OSError:  # it has ended meanwhile
            continue
        if works_there or str(directory) in command:
            found.append(command)
    return found
