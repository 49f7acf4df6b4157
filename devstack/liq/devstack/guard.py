"""A program that ends the children of a dead supervisor, whatever the supervisor died of.

The supervisor holds the write end of this process's standard input. Each child reports itself there
(`+PID`) before it starts its command, and the supervisor removes it (`-PID`) after its end. When
the supervisor dies, even by SIGKILL, the kernel closes the pipe. The guard then sends SIGTERM to
the remaining children, and SIGKILL after the grace period. This requires only POSIX.

The supervisor runs this file by its path: `python -I -S guard.py GRACE_SECONDS`.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

POLL_SECONDS = 0.05


def read_groups(lines: Iterable[bytes]) -> set[int]:
    """Return the process groups that remain when the input ends."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line.startswith(b"+"):
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; return False if the group no longer exists."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_groups(groups: set[int], grace_seconds: float) -> None:
    """Send SIGTERM to every group, and SIGKILL after the grace period."""
    for group in groups:
        signal_group(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while any(signal_group(group, 0) for group in groups) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for group in groups:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    end_groups(read_groups(sys.stdin.buffer), float(sys.argv[1]))
