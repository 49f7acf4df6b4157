"""End the children of a supervisor that is gone, however it went.

The supervisor holds the other end of this process's standard input, and each child reports itself
there (`+PID`) before it starts to work; the supervisor takes it off the list (`-PID`) when it has
ended. The kernel closes that end when the supervisor dies, even by SIGKILL. Whatever is then
still on the list gets SIGTERM, and SIGKILL after the grace period. This needs nothing but POSIX.

Run by its path: `python -I -S guard.py GRACE_SECONDS`.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

POLL_SECONDS = 0.05


def read_groups(lines: Iterable[bytes]) -> set[int]:
    """The process groups that are left when the input ends."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line.startswith(b"+"):
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; False if nothing of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_groups(groups: set[int], grace_seconds: float) -> None:
    """Ask every group to end, and kill what has not ended after the grace period."""
    for group in groups:
        signal_group(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while any(signal_group(group, 0) for group in groups) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for group in groups:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    end_groups(read_groups(sys.stdin.buffer), float(sys.argv[1]))
