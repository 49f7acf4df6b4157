"""The whole development stack: a broker, ClickHouse and worker processes."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Self

from liq.devstack.broker import NAME as BROKER
from liq.devstack.broker import choose_broker
from liq.devstack.lock import DirectoryLock
from liq.devstack.options import StackOptions
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import GRACE_SECONDS, Child, Supervisor
from liq.devstack.warehouse import NAME as WAREHOUSE
from liq.devstack.warehouse import SERVER_NAME as WAREHOUSE_SERVER
from liq.devstack.warehouse import choose_warehouse

LOGS = "logs"
ENVIRONMENT_FILE = "stack.env"
# A start takes up to half a minute on a busy machine.
READY_SECONDS = 300.0


class Stack:
    """Broker, ClickHouse and workers under one supervisor; use it in a `with` statement.

    While the stack runs, `environment` has the variables for client processes, and the file
    `stack.env` in the data directory has them for a shell (`set -a; . .liq/stack.env`). If
    `is_fresh`, the embedded broker and ClickHouse start empty. `say` receives the name of each part
    before its start.
    """

    def __init__(
        self,
        options: StackOptions,
        *,
        has_clickhouse: bool = True,
        is_fresh: bool = False,
        grace_seconds: float = GRACE_SECONDS,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._options = options
        self._has_clickhouse = has_clickhouse
        self._is_fresh = is_fresh
        self._grace_seconds = grace_seconds
        self._say = say
        self._cleanup = ExitStack()
        self._services: tuple[str, ...] = ()
        self.environment: dict[str, str] = {}
        self.supervisor: Supervisor

    def __enter__(self) -> Self:
        """Start the parts in order.

        Raises:
            ConfigurationError: a setting prevents the start: a taken port, a directory in use.
            DependencyError: a part did not start; the parts started before it are stopped.
        """
        with ExitStack() as started:
            directory = self._options.embedded_data_dir
            lock = DirectoryLock(directory)
            started.callback(lock.close)
            if self._is_fresh:  # only now: without the lock it may be another stack's data
                for part in (BROKER, WAREHOUSE, WAREHOUSE_SERVER):
                    shutil.rmtree(directory / part, ignore_errors=True)
            self.supervisor = started.enter_context(
                Supervisor(
                    directory / LOGS,
                    grace_seconds=self._grace_seconds,
                    held_descriptors=(lock.fileno(),),
                )
            )
            self._say("Kafka")
            broker = choose_broker(self._options, self.supervisor)
            started.callback(broker.stop)
            self.environment |= broker.start().environment
            if self._has_clickhouse:
                self._say("ClickHouse")
                warehouse = choose_warehouse(self._options, self.supervisor)
                started.callback(warehouse.stop)
                self.environment |= warehouse.start().environment
            self._services = self.supervisor.names
            # Workers depend on all other parts, so they stop first.
            started.callback(self.stop_workers)
            file = directory / ENVIRONMENT_FILE
            file.touch(mode=0o600)  # ClickHouse's password is in it
            file.write_text("".join(f"{name}={text}\n" for name, text in self.environment.items()))
            started.callback(file.unlink, missing_ok=True)
            self._cleanup = started.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop the workers, then the other parts in reverse order."""
        self._cleanup.close()

    def start_worker(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> int:
        """Start `liq ARGUMENTS` as a worker, and wait until it is ready.

        Returns:
            The port of its health and metrics.

        Raises:
            ChildFailure: it ended, or was not ready in time.
        """
        return self.start_workers({name: arguments}, environment)[name]

    def start_workers(
        self,
        arguments: Mapping[str, Sequence[str]],
        environment: Mapping[str, str] | None = None,
    ) -> dict[str, int]:
        """Start workers together, by name, and wait until each of them is ready.

        Returns:
            The port of each worker's health and metrics, by name.

        Raises:
            ChildFailure: a worker ended, or was not ready in time.
        """
        ports: dict[str, int] = {}
        for name, words in arguments.items():
            self._say(f"liq {' '.join(words)}")
            port = ports[name] = free_port()
            own = {"HTTP_HOST": LOOPBACK, "HTTP_PORT": str(port)}
            self.supervisor.start(
                Child(
                    name=name,
                    command=liq_command(*words),
                    environment={**self.environment, **(environment or {}), **own},
                )
            )
        for name, port in ports.items():
            self.supervisor.wait_until_ready(
                name, partial(answers_http, f"http://{LOOPBACK}:{port}/readyz"), READY_SECONDS
            )
        return ports

    def start_task(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start `liq ARGUMENTS`, which ends by itself; `supervisor.wait_for_end` waits for it."""
        self.supervisor.start(
            Child(
                name=name,
                command=liq_command(*arguments),
                environment={**self.environment, **(environment or {})},
                ends_by_itself=True,
            )
        )

    def stop_workers(self) -> dict[str, int]:
        """Stop all workers and tasks together; return their exit codes by name."""
        names = [name for name in self.supervisor.names if name not in self._services]
        return self.supervisor.stop(*names)


def liq_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line that runs this installation's `liq` as a child process."""
    return (sys.executable, "-P", "-m", "liq.cli.main", *arguments)
