"""When the process ends: on signals, and with its parent if it was told so."""

import ctypes
import os
import signal
import sys
import threading
from types import FrameType

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.5


def stop_on_signals(stop: threading.Event) -> None:
    """Let SIGTERM and SIGINT set the event; to be called in the main thread."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def stop_with_parent(stop: threading.Event, parent_pid: int) -> None:
    """Set the event once this process is no longer the child of `parent_pid`.

    On Linux the kernel says so at once. It does that with a signal of its own choosing for us,
    and also when merely the parent's thread that started this process ends; so the handler looks
    whether the parent is really gone. Elsewhere, and if the signal is lost, a thread looks twice a
    second.
    """

    def check(_number: int = 0, _frame: FrameType | None = None) -> None:
        if os.getppid() != parent_pid:
            stop.set()

    def watch() -> None:
        while not stop.wait(_POLL_S):
            check()

    if sys.platform == "linux":
        signal.signal(signal.SIGHUP, check)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP)
    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
    check()
