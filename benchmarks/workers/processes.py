"""Worker processes and plain loops beside the stack, with the kernel's statistics."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.stack import Stack, liq_command
from liq.devstack.supervisor import Child

KIBIBYTES_PER_MEBIBYTE: Final = 1024
# In /proc/PID/stat, after the command's name: user and system time in ticks.
USER_TICKS, SYSTEM_TICKS = 11, 12
#: The commands of the workers and of the plain loops, by stage.
WORKERS: Final = {
    "normalize": ("process", "normalize"),
    "detect": ("process", "detect"),
    "sink": ("sink", "clickhouse"),
    "produce": ("produce", "aster"),
}
LOOPS: Final = ("normalize", "detect")


@dataclass(frozen=True, slots=True)
class Running:
    """A started process. `url` is a worker's HTTP address; a plain loop does not serve it."""

    name: str
    process_id: int
    url: str

    def cpu_seconds(self) -> float:
        """Return the processor time of all threads since the start."""
        text = Path(f"/proc/{self.process_id}/stat").read_text()
        return cpu_ticks(text) / os.sysconf("SC_CLK_TCK")

    def peak_mebibytes(self) -> float:
        """Return the peak of resident memory."""
        return status_mebibytes(Path(f"/proc/{self.process_id}/status").read_text(), "VmHWM")

    def resident_mebibytes(self) -> float:
        """Return the resident memory."""
        return status_mebibytes(Path(f"/proc/{self.process_id}/status").read_text(), "VmRSS")

    def is_ready(self) -> bool:
        """Return whether a worker reports that it is ready."""
        return answers_http(f"{self.url}/readyz")

    def freeze(self) -> None:
        """Suspend the process; data from the brokers wait in its sockets."""
        os.kill(self.process_id, signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume the process."""
        os.kill(self.process_id, signal.SIGCONT)


def start(
    stack: Stack, stage: str, environment: Mapping[str, str], *, is_loop: bool, name: str = ""
) -> Running:
    """Start the worker of a stage, or its plain loop, without waiting until it is ready."""
    name, port = name or stage, free_port()
    command = liq_command(*WORKERS[stage])
    if is_loop:
        command = (sys.executable, "-m", "benchmarks.workers.peers", stage)
    own = {"HTTP_HOST": LOOPBACK, "HTTP_PORT": str(port), "LOG_LEVEL": "WARNING"}
    stack.supervisor.start(
        Child(name=name, command=command, environment={**stack.environment, **own, **environment})
    )
    return Running(name, stack.supervisor.process_id(name), f"http://{LOOPBACK}:{port}")


def cpu_ticks(stat: str) -> int:
    """Return user and system time in ticks from the text of `/proc/PID/stat`."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])


def status_mebibytes(status: str, name: str) -> float:
    """Return a size from the text of `/proc/PID/status`."""
    for line in status.splitlines():
        field, _, size = line.partition(":")
        if field == name:
            return int(size.split()[0]) / KIBIBYTES_PER_MEBIBYTE
    raise ValueError(f"/proc gives no {name}")
