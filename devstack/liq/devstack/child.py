"""Report this process to the guard, then become the command that was asked for.

The supervisor runs this file by its path: `python -I -S child.py GUARD_DESCRIPTOR COMMAND...`.
Because the report is made before the command exists, there is no moment in which the command
runs and the guard does not know it.
"""

import os
import signal
import sys

CANNOT_START = 127


def main() -> None:
    """Never returns: the process becomes the command, or ends with 127."""
    guard, command = int(sys.argv[1]), sys.argv[2:]
    os.write(guard, b"+%d\n" % os.getpid())
    os.close(guard)
    # Python ignores SIGPIPE, and an ignored signal stays ignored in what is executed next.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # So does a blocked one, and the ClickHouse engine blocks some in a process that loads it.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
