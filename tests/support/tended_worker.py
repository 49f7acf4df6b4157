"""A `liq` process that is killed and restarted, as by a supervisor."""

import os
import signal
from collections.abc import Mapping

from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Child, Supervisor
from liq.runtime.settings import Settings
from tests.conftest import worker_environment


class TendedWorker:
    """One worker with a constant metrics port."""

    def __init__(
        self,
        supervisor: Supervisor,
        settings: Settings,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._supervisor = supervisor
        self._name = "-".join(arguments)
        self._arguments = arguments
        self.port = free_port()
        self._environment = {
            **worker_environment(settings),
            **(environment or {}),
            "HTTP_PORT": str(self.port),
        }

    def start(self) -> None:
        self._supervisor.start(
            Child(
                name=self._name,
                command=liq_command(*self._arguments),
                environment=self._environment,
                ends_by_itself=True,
            )
        )

    @property
    def is_ready(self) -> bool:
        return answers_http(f"http://{LOOPBACK}:{self.port}/readyz")

    @property
    def log(self) -> str:
        return self._supervisor.log_path(self._name).read_text(errors="replace")

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._supervisor.process_id(self._name), number)

    def stop(self) -> int:
        return self._supervisor.stop(self._name)[self._name]

    def tend(self) -> None:
        """Start the process again if it has ended."""
        if self._supervisor.has_ended(self._name):
            self._supervisor.stop(self._name)
            self.start()
