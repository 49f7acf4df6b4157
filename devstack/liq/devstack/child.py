"""A program that reports its process to the guard and then executes a command.

The supervisor runs this file by its path: `python -I -S child.py GUARD_DESCRIPTOR COMMAND...`. The
report precedes the command, so the guard always knows a running command.
"""

import os
import signal
import sys

CANNOT_START = 127


def main() -> None:
    """Execute the command in this process; exit with 127 if that fails. Never returns."""
    guard, command = int(sys.argv[1]), sys.argv[2:]
    os.write(guard, b"+%d\n" % os.getpid())
    os.close(guard)
    # Python ignores SIGPIPE, and the executed command would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # It would also inherit blocked signals; the ClickHouse engine blocks some in its process.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
