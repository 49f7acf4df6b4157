"""What tests share: one broker and one ClickHouse a session, fresh names for every test."""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import hypothesis
import pytest

from liq.devstack.broker import Broker, choose_broker
from liq.devstack.broker_address import BrokerAddress
from liq.devstack.options import StackOptions, load_stack_options
from liq.devstack.ports import LOOPBACK, SETTING, free_port, free_ports
from liq.devstack.probe import answers_http
from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Child, ChildFailure, Supervisor
from liq.devstack.warehouse import WarehouseAddress, choose_warehouse
from liq.runtime.settings import Settings, load_settings
from tests.support import left_out, second_tries
from tests.support.old_topics import delete_namespaces

WAIT_SECONDS = 150.0  # of patience: two passes of the suite may share two cores
POLL_SECONDS = 0.05


def pytest_configure() -> None:
    """Nothing of a property is timed; processes of a parallel run have ports of their own."""
    hypothesis.settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("untimed")
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return
    ports, number = free_ports(), int(worker.removeprefix("gw"))
    share = len(ports) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    first = ports.start + number * share
    os.environ[SETTING] = f"{first}-{first + share - 1}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave slow tests out where SLOW=skip, and try tests of processes twice where CI allows it."""
    left_out.skip_slow(items)
    second_tries.allow(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Close a run with what it did not run, and what it had to run twice."""
    left_out.tell(terminalreporter)
    second_tries.tell(terminalreporter)


class MakeSettings(Protocol):
    """Settings against the session's services, with changes."""

    def __call__(self, **changes: object) -> Settings: ...


class RunWorker(Protocol):
    """Start `liq ARGUMENTS`; gives its handle once it is ready (a task: at once)."""

    def __call__(
        self,
        *arguments: str,
        settings: Settings,
        environment: dict[str, str] | None = None,
        is_task: bool = False,
    ) -> "Worker": ...


class Worker:
    """A `liq` process of a test."""

    def __init__(self, supervisor: Supervisor, name: str, http_port: int) -> None:
        self._supervisor = supervisor
        self.name = name
        self.process_id = supervisor.process_id(name)
        self.health_url = f"http://{LOOPBACK}:{http_port}"

    @property
    def log(self) -> str:
        """What it wrote to standard output and error."""
        return self._supervisor.log_path(self.name).read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        return self._supervisor.stop(self.name)[self.name]

    def expect_end(self) -> None:
        """Wait for the end of a worker that was killed, and stop watching it."""
        self._supervisor.stop(self.name)

    def wait(self, seconds: float = WAIT_SECONDS) -> int:
        """Wait until a task ends; its exit code."""
        return self._supervisor.wait_for_end(self.name, seconds)


@pytest.fixture(scope="session")
def stack_options(tmp_path_factory: pytest.TempPathFactory) -> StackOptions:
    """KAFKA, KAFKA_BOOTSTRAP_SERVERS and CLICKHOUSE_URL of the environment, data aside."""
    return load_stack_options(
        embedded_data_dir=tmp_path_factory.mktemp("stack"),
        embedded_kafka_port=0,
        embedded_clickhouse_port=0,
    )


@pytest.fixture(scope="session")
def stack_supervisor(stack_options: StackOptions) -> Iterator[Supervisor]:
    """Owns the session's broker and ClickHouse."""
    with Supervisor(stack_options.embedded_data_dir / "logs") as supervisor:
        yield supervisor


@pytest.fixture(scope="session")
def chosen_broker(stack_options: StackOptions, stack_supervisor: Supervisor) -> Broker:
    """The session's Kafka broker: embedded, or the one that the environment asks for."""
    return choose_broker(stack_options, stack_supervisor)


@pytest.fixture(scope="session")
def broker(chosen_broker: Broker) -> Iterator[BrokerAddress]:
    """Where that broker is, once it runs."""
    yield chosen_broker.start()
    chosen_broker.stop()


@pytest.fixture(scope="session")
def clickhouse(
    stack_options: StackOptions, stack_supervisor: Supervisor
) -> Iterator[WarehouseAddress]:
    """A ClickHouse: embedded, or the one that CLICKHOUSE_URL names."""
    chosen = choose_warehouse(stack_options, stack_supervisor)
    yield chosen.start()
    chosen.stop()


@pytest.fixture(scope="session")
def ended_namespaces() -> list[str]:
    """Topic namespaces of tests that have ended."""
    return []


@pytest.fixture
def make_settings(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, ended_namespaces: list[str]
) -> MakeSettings:
    """Settings in a topic namespace and a database of the test's own.

    They know the broker and the ClickHouse if the test asks for those fixtures.
    """
    suffix = secrets.token_hex(4)
    environment = {"LOG_FORMAT": "json", "HTTP_PORT": "0", "TOPIC_PARTITIONS": "4"}
    for service in ("broker", "clickhouse"):
        if service in request.fixturenames:
            environment |= request.getfixturevalue(service).environment
    environment |= {"TOPIC_NAMESPACE": f"t{suffix}", "CLICKHOUSE_DATABASE": f"t{suffix}"}
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    if "broker" in request.fixturenames:
        # Now, when nothing of those tests runs any more. Every client that starts reads about every
        # topic there is: with those of two hundred tests that took half of a test's time.
        asyncio.run(delete_namespaces(load_settings(), ended_namespaces))
        ended_namespaces[:] = [environment["TOPIC_NAMESPACE"]]

    def make(**changes: object) -> Settings:
        return load_settings(**changes)

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """The plain settings of a test."""
    return make_settings()


@pytest.fixture
def run_worker(tmp_path: Path) -> Iterator[RunWorker]:
    """Start `liq` processes; whatever still runs at the end of the test is ended."""
    with Supervisor(tmp_path / "logs") as supervisor:
        count = 0

        def run(
            *arguments: str,
            settings: Settings,
            environment: dict[str, str] | None = None,
            is_task: bool = False,
        ) -> Worker:
            nonlocal count
            count += 1
            name = f"{count}-{'-'.join(word for word in arguments if word.isalnum())}"
            port = free_port()
            supervisor.start(
                Child(
                    name=name,
                    command=liq_command(*arguments),
                    environment={
                        **worker_environment(settings),
                        **(environment or {}),
                        "HTTP_PORT": str(port),
                    },
                    is_ready=(
                        None
                        if is_task
                        else lambda: answers_http(f"http://{LOOPBACK}:{port}/readyz")
                    ),
                    ready_seconds=WAIT_SECONDS,
                    ends_by_itself=is_task,
                )
            )
            return Worker(supervisor, name, port)

        yield run
        try:
            supervisor.check()
        except ChildFailure as failure:  # pytest prints it where the test has failed
            sys.stdout.write(f"{failure}\n")
        supervisor.stop(*supervisor.names)  # together: one after the other takes seconds each


def worker_environment(settings: Settings) -> dict[str, str]:
    """The environment that gives a process these settings."""
    shown = settings.masked()
    secret = {
        "KAFKA_SASL_PASSWORD": settings.kafka_sasl_password.get_secret_value(),
        "CLICKHOUSE_PASSWORD": settings.clickhouse_password.get_secret_value(),
        "CLICKHOUSE_READER_PASSWORD": settings.clickhouse_reader_password.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
    }
    return {**shown, **secret}


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition; the test fails if it does not come true in time."""

    def wait(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"not true after {seconds:g} s")
            time.sleep(POLL_SECONDS)

    return wait
