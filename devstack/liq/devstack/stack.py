"""The whole development stack: broker and ClickHouse up, worker processes beside them."""

import shutil
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Self

from liq.devstack.broker import NAME as BROKER
from liq.devstack.broker import choose_broker
from liq.devstack.lock import DirectoryLock
from liq.devstack.options import StackOptions
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import GRACE_SECONDS, Child, Supervisor
from liq.devstack.warehouse import NAME as WAREHOUSE
from liq.devstack.warehouse import choose_warehouse

LOGS = "logs"
ENVIRONMENT_FILE = "stack.env"


class Stack:
    """Broker, ClickHouse and workers under one supervisor; use it in a `with` statement.

    While it is up, `environment` is what any client process needs, and the file `stack.env` in
    the data directory has the same for a shell (`set -a; . .liq/stack.env`). A stack that
    `is_fresh` begins with an empty embedded broker and an empty embedded ClickHouse.
    """

    def __init__(
        self,
        options: StackOptions,
        *,
        has_clickhouse: bool = True,
        is_fresh: bool = False,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._options = options
        self._has_clickhouse = has_clickhouse
        self._is_fresh = is_fresh
        self._grace_seconds = grace_seconds
        self._cleanup = ExitStack()
        self._services: tuple[str, ...] = ()
        self.environment: dict[str, str] = {}
        self.supervisor: Supervisor

    def __enter__(self) -> Self:
        """Start the parts in order.

        Raises:
            ConfigurationError: a setting prevents it: a taken port, a directory in use.
            DependencyError: a part did not start; what was started is ended.
        """
        with ExitStack() as started:
            directory = self._options.embedded_data_dir
            lock = DirectoryLock(directory)
            started.callback(lock.close)
            if self._is_fresh:  # only now: without the lock it may be another stack's data
                for part in (BROKER, WAREHOUSE):
                    shutil.rmtree(directory / part, ignore_errors=True)
            self.supervisor = started.enter_context(
                Supervisor(
                    directory / LOGS,
                    grace_seconds=self._grace_seconds,
                    held_descriptors=(lock.fileno(),),
                )
            )
            broker = choose_broker(self._options, self.supervisor)
            started.callback(broker.stop)
            self.environment |= broker.start().environment
            if self._has_clickhouse:
                warehouse = choose_warehouse(self._options, self.supervisor)
                started.callback(warehouse.stop)
                self.environment |= warehouse.start().environment
            self._services = self.supervisor.names
            # Workers were started last and depend on all the rest: they end first.
            started.callback(self.stop_workers)
            file = directory / ENVIRONMENT_FILE
            file.write_text("".join(f"{name}={text}\n" for name, text in self.environment.items()))
            started.callback(file.unlink, missing_ok=True)
            self._cleanup = started.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        """End the workers, then the rest, the youngest first."""
        self._cleanup.close()

    def start_worker(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> int:
        """Start `liq ARGUMENTS` beside the stack and wait until it is ready.

        Gives the port of its health and metrics.

        Raises:
            ChildFailure: it ended, or was not ready in time.
        """
        port = free_port()
        own = {"HTTP_HOST": LOOPBACK, "HTTP_PORT": str(port)}
        self.supervisor.start(
            Child(
                name=name,
                command=liq_command(*arguments),
                environment={**self.environment, **(environment or {}), **own},
                is_ready=lambda: answers_http(f"http://{LOOPBACK}:{port}/readyz"),
                ready_seconds=60.0,
            )
        )
        return port

    def start_task(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start `liq ARGUMENTS` that ends by itself; `supervisor.wait_for_end` gives its code."""
        self.supervisor.start(
            Child(
                name=name,
                command=liq_command(*arguments),
                environment={**self.environment, **(environment or {})},
                ends_by_itself=True,
            )
        )

    def stop_workers(self) -> dict[str, int]:
        """End all workers and tasks together; gives their exit codes."""
        names = [name for name in self.supervisor.names if name not in self._services]
        return self.supervisor.stop(*names)


def liq_command(*arguments: str) -> tuple[str, ...]:
    """The command line of this installation, as a child process runs it."""
    return (sys.executable, "-P", "-m", "liq.cli.main", *arguments)
