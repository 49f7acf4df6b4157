"""The embedded ClickHouse as a child process of this one: start, stop, kill."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self


class ClickHouseStartError(RuntimeError):
    """The child ended before it answered; its reason is on its standard error."""


class ClickHouseChild:
    """A running embedded ClickHouse. It also ends by itself when this process does."""

    def __init__(  # noqa: PLR0913 - one keyword for each thing a caller may choose
        self,
        data_directory: Path,
        *,
        port: int = 0,
        database: str = "liquidations",
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        log: IO[str] | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        """Start the process and return once it answers.

        Args:
            data_directory: Where it keeps its data; created if missing. One process at a time.
            port: The port on 127.0.0.1; 0 takes a free one.
            database: Created, and used by requests that name none.
            options: Further options of `python -m liq.devstack.clickhouse`.
            environment: Variables added to this process's own.
            log: Where its standard error goes; by default to this process's.
            timeout_s: How long it may take to answer.

        Raises:
            ClickHouseStartError: It ended, or did not answer in time.
        """
        command = [
            sys.executable,
            *("-P", "-m", "liq.devstack.clickhouse", "--exit-with-parent"),
            *("--port", str(port), "--data-dir", str(data_directory), "--database", database),
            *options,
        ]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.about = self._read_ready_line(timeout_s)
        self.port = int(self.about["port"])
        self.url = str(self.about["url"])

    def _read_ready_line(self, timeout_s: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        too_late = threading.Timer(timeout_s, self.process.kill)
        too_late.start()
        try:
            line = self.process.stdout.readline()
        finally:
            too_late.cancel()
        if not line:
            code = self.process.wait()
            self.process.stdout.close()
            raise ClickHouseStartError(
                f"the embedded ClickHouse ended with code {code} before it was ready"
                f" (time allowed: {timeout_s:g} s); it says why on its standard error"
            )
        about: dict[str, Any] = json.loads(line)
        return about

    def stop(self, timeout_s: float = 30.0) -> int:
        """Let it finish what runs and end; return its exit code, 0 after a clean end."""
        self.process.terminate()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.wait()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it if it still runs."""
        if self.process.poll() is None:
            self.stop()
        if self.process.stdout is not None:
            self.process.stdout.close()
