"""Supervision of child processes: start, watch, and stop all of them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from liq.devstack.guard import signal_group
from liq.devstack.isolated import child_command, guard_command
from liq.runtime.environment import environment
from liq.runtime.errors import DependencyError

GRACE_SECONDS = 30.0
POLL_SECONDS = 0.05
LAST_LINES = 20
LAST_BYTES = 16_384


class ChildFailure(DependencyError):  # noqa: N818 - it names what failed
    """A child ended or was not ready in time; the message has its name and last output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process to start.

    `environment` extends that of this process. The supervisor polls `is_ready` until it is true or
    `ready_seconds` are over. The end of a child is a failure unless it `ends_by_itself`.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] | None = None
    ready_seconds: float = 30.0
    ends_by_itself: bool = False


@dataclass(frozen=True, slots=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes]


class Supervisor:
    """The owner of child processes until it is closed; use it in a `with` statement.

    Each child leads its own session, so that Ctrl-C at a terminal reaches only the supervisor,
    which then stops the children in order. Their output goes to `LOG_DIRECTORY/NAME.log`. If the
    supervisor itself is killed, a guard process ends the children and keeps `held_descriptors` open
    until then.
    """

    def __init__(
        self,
        log_directory: Path,
        *,
        grace_seconds: float = GRACE_SECONDS,
        held_descriptors: Sequence[int] = (),
    ) -> None:
        log_directory.mkdir(parents=True, exist_ok=True)
        self._log_directory = log_directory
        self._grace_seconds = grace_seconds
        self._running: dict[str, _Running] = {}
        reading_end, self._guard_pipe = os.pipe()
        try:
            self._guard = subprocess.Popen(  # noqa: S603 - our own program
                guard_command(grace_seconds),
                stdin=reading_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=held_descriptors,
                start_new_session=True,
            )
        finally:
            os.close(reading_end)

    def __enter__(self) -> Self:
        """Return the supervisor."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop every child."""
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the children that were started and not stopped, oldest first."""
        return tuple(self._running)

    def log_path(self, name: str) -> Path:
        """Return the path of a child's output."""
        return self._log_directory / f"{name}.log"

    def process_id(self, name: str) -> int:
        """Return the id of a child's process, which is also that of its process group."""
        return self._running[name].process.pid

    def start(self, child: Child) -> None:
        """Start a child and wait until it is ready.

        Raises:
            ChildFailure: it ended first, or was not ready in time and was stopped.
            ValueError: a child of that name is running.
        """
        if child.name in self._running:
            raise ValueError(f"{child.name} is already running")
        log_path = self.log_path(child.name)
        if log_path.exists():
            log_path.replace(log_path.with_suffix(".previous.log"))
        with log_path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - callers pass our own programs
                child_command(self._guard_pipe, child.command),
                env={**environment(), **child.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(self._guard_pipe,),
                start_new_session=True,
            )
        self._running[child.name] = _Running(child, process)
        if child.is_ready is not None:
            self.wait_until_ready(child.name, child.is_ready, child.ready_seconds)

    def wait_until_ready(self, name: str, is_ready: Callable[[], bool], seconds: float) -> None:
        """Wait until a started child is ready.

        Raises:
            ChildFailure: it ended first, or was not ready in time and was stopped.
        """
        try:
            self.wait_until(is_ready, seconds, f"{name} to be ready")
        except DependencyError as error:
            self.stop(name)
            if isinstance(error, ChildFailure):
                raise
            raise ChildFailure(f"{error}{self._last_lines(name)}") from error

    def check(self) -> None:
        """Check that every child still runs.

        Raises:
            ChildFailure: a child has ended unexpectedly.
        """
        for name, running in self._running.items():
            code = running.process.poll()
            if code is not None and not running.child.ends_by_itself:
                raise ChildFailure(f"{name} {_ending(code)}.{self._last_lines(name)}")

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for a condition while watching the children.

        Raises:
            ChildFailure: a child ended meanwhile.
            DependencyError: the condition did not come true in time.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() >= deadline:
                raise DependencyError(f"Waited {seconds:g} s for {what} in vain.")
            time.sleep(POLL_SECONDS)

    def has_ended(self, name: str) -> bool:
        """Return whether a child that ends by itself has ended."""
        return self._running[name].process.poll() is not None

    def wait_for_end(self, name: str, seconds: float) -> int:
        """Wait for a child that ends by itself; return its exit code, negative for a signal.

        Raises:
            ChildFailure: another child ended meanwhile.
            DependencyError: the child did not end in time.
        """
        self.wait_until(lambda: self.has_ended(name), seconds, f"{name} to end")
        code = self._running[name].process.wait()
        self._forget(name)
        return code

    def stop(self, *names: str) -> dict[str, int]:
        """Stop children together: SIGTERM, and SIGKILL after the grace period.

        Returns:
            Their exit codes by name, negative for a signal.
        """
        stopping = {name: self._running[name].process for name in names}
        for process in stopping.values():
            if process.poll() is None:
                signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + self._grace_seconds
        codes = {}
        for name, process in stopping.items():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            # This also kills processes that the child has started and left behind.
            signal_group(process.pid, signal.SIGKILL)
            codes[name] = process.wait()
            self._forget(name)
        return codes

    def close(self) -> None:
        """Stop every child, the newest first, and the guard."""
        for name in reversed(self.names):
            self.stop(name)
        if self._guard_pipe >= 0:
            os.close(self._guard_pipe)
            self._guard_pipe = -1
            self._guard.wait()

    def _forget(self, name: str) -> None:
        running = self._running.pop(name)
        with suppress(BrokenPipeError):  # the guard was killed
            os.write(self._guard_pipe, b"-%d\n" % running.process.pid)

    def _last_lines(self, name: str) -> str:
        path = self.log_path(name)
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - LAST_BYTES))
            lines = log.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        if not lines:
            return f" It wrote nothing to {path}."
        return "\n  ".join((f" The end of {path}:", *lines))


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended by itself with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
