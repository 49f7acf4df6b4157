"""The whole pipeline as processes: an exchange's frames in, ClickHouse's answers out.

A worker that ends is started again at once, as under any supervisor in production, so that every
fault must be survived without a hand's help. That happens whenever a test waits.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from liq.devstack.exchange.server import LocalExchange
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.progress import PipelineProgress
from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Child, Supervisor
from liq.runtime.kafka import new_admin
from liq.runtime.partitions import committed_offsets
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.tables import tables_by_topic
from tests.conftest import worker_environment
from tests.faults.newest import Newest

POLL_SECONDS: Final = 0.05
READY_SECONDS: Final = 60.0
HEARTBEATS_SECONDS: Final = 3.0
SETTLE_SECONDS: Final = 180.0
STOP_SECONDS: Final = 30.0
#: What is said while the brokers do not answer.
UNKNOWN_LAG: Final = sys.maxsize


class Role(StrEnum):
    """What a worker does."""

    PRODUCE = "produce"
    NORMALIZE = "normalize"
    DETECT = "detect"
    SINK = "sink-clickhouse"


@dataclass
class Member:
    """A worker process, and how often it was started."""

    role: Role
    slot: str
    environment: dict[str, str]
    health_url: str = ""
    starts: int = 0

    @property
    def name(self) -> str:
        return f"{self.role}-{self.slot}"


@dataclass
class Pipeline:
    """Its workers and their exchanges; `environment` changes the settings of every worker."""

    settings: Settings
    exchanges: Sequence[LocalExchange]
    supervisor: Supervisor
    environment: dict[str, str] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)

    def start_all(self) -> None:
        """One worker of each kind, ready."""
        started = [self.start(role) for role in Role]
        self.wait_until(lambda: all(map(self.is_ready, started)), READY_SECONDS)

    def start(self, role: Role, slot: str = "0", **environment: str) -> Member:
        """Start a worker; it need not be ready."""
        member = Member(role, slot, environment)
        self.members[member.name] = member
        self._launch(member)
        return member

    def kill(self, member: Member) -> None:
        """SIGKILL; the next wait starts it again."""
        self.signal(member, signal.SIGKILL)

    def signal(self, member: Member, number: signal.Signals) -> None:
        os.kill(self.process_id(member), number)

    def process_id(self, member: Member) -> int:
        return self.supervisor.process_id(member.name)

    def stop(self, *members: Member) -> dict[str, int]:
        """SIGTERM; exit codes. They are not started again."""
        names = [member.name for member in members]
        codes = self.supervisor.stop(*names)
        for name in names:
            del self.members[name]
        return codes

    @contextmanager
    def frozen(self, *roles: Role) -> Iterator[None]:
        """SIGSTOP the workers of some roles, and SIGCONT them in the end."""
        members = [member for role in roles for member in self.of(role)]
        for member in members:
            self.signal(member, signal.SIGSTOP)
        try:
            yield
        finally:
            for member in members:
                self.signal(member, signal.SIGCONT)

    def wait_until_read(self, role: Role, topic: str, seconds: float) -> None:
        """Wait until the group of a role has committed all of a topic."""
        self.wait_until(lambda: self._lag(role, [topic]) == 0, seconds)

    def of(self, role: Role) -> list[Member]:
        """Return the workers of a role."""
        return [member for member in self.members.values() if member.role is role]

    def is_ready(self, member: Member) -> bool:
        return answers_http(f"{member.health_url}/readyz")

    def tend(self) -> None:
        """Start again what has ended."""
        for member in self.members.values():
            if self.supervisor.has_ended(member.name):
                self.supervisor.stop(member.name)
                self._launch(member)

    def pause(self, seconds: float) -> None:
        """Let the pipeline work for a time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tend()
            time.sleep(POLL_SECONDS)

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"not true after {seconds:g} s; logs: {self._log_directory()}")
            self.tend()
            time.sleep(POLL_SECONDS)

    def recover(self, fault_ms: int, seconds: float = SETTLE_SECONDS) -> float:
        """Wait until an event and an alert from after a fault are in ClickHouse; how long it was.

        `fault_ms` is the time of the fault, by this machine's clock.
        """
        with closing(Newest(self.settings)) as newest:
            self.wait_until(
                lambda: newest.event_ms > fault_ms and newest.alert_ms > fault_ms, seconds
            )
        return time.time() - fault_ms / 1000

    def settle(self) -> dict[str, int]:
        """Let everything that was received come through, then end every worker; exit codes.

        The exchanges have to be silent.
        """
        # With a heartbeat of a later second in every partition, all their clocks are the same: the
        # offline tool reads them as one log.
        self.pause(HEARTBEATS_SECONDS)
        codes = self._stop_producers()
        for role in Role:
            # What is behind has to be at rest before what it feeds.
            self.wait_until(lambda: self.lag(role) == 0, SETTLE_SECONDS)  # noqa: B023 - at once
        self.wait_until(lambda: not any(map(self.lag, Role)), SETTLE_SECONDS)
        return codes | self.stop(*self.members.values())

    def _stop_producers(self) -> dict[str, int]:
        """One that has just given up is started once more, to say what it missed."""
        while True:
            producers = self.of(Role.PRODUCE)
            codes = self.stop(*producers)
            failed = [each for each in producers if codes[each.name] != 0]
            if not failed:
                return codes
            again = [self.start(each.role, each.slot, **each.environment) for each in failed]
            self.wait_until(lambda: all(map(self.is_ready, again)), READY_SECONDS)  # noqa: B023

    def lag(self, role: Role) -> int:
        """The records that the group of a role has not committed yet; a producer reads nothing."""
        topics = self.settings.topics
        raw = [topics.raw(exchange.dialect.exchange) for exchange in self.exchanges]
        read = {
            Role.PRODUCE: [],
            Role.NORMALIZE: raw,
            Role.DETECT: [topics.events, topics.pulse],
            Role.SINK: list(tables_by_topic(topics)),
        }[role]
        return self._lag(role, read) if read else 0

    async def committed(self, role: Role) -> dict[TopicPartition, int]:
        """Where the group of a role is."""
        admin = new_admin(self.settings, "committed")
        await admin.start()
        try:
            return await committed_offsets(admin, self.settings.group(role))
        finally:
            await admin.close()

    def _launch(self, member: Member) -> None:
        port = int(member.environment.get("HTTP_PORT", "0")) or free_port()
        member.health_url = f"http://{LOOPBACK}:{port}"
        member.starts += 1
        names = [exchange.dialect.exchange for exchange in self.exchanges]
        addresses: dict[str, str] = {}
        for exchange in self.exchanges:
            addresses |= exchange.environment
        arguments = {
            Role.PRODUCE: ("produce", *names),
            Role.NORMALIZE: ("process", "normalize"),
            Role.DETECT: ("process", "detect"),
            Role.SINK: ("sink", "clickhouse"),
        }[member.role]
        self.supervisor.start(
            Child(
                name=member.name,
                command=liq_command(*arguments),
                environment={
                    **worker_environment(self.settings),
                    **addresses,
                    "EXCHANGES": ",".join(names),
                    "WORKER_SLOT": member.slot,
                    "SINK_BATCH_SECONDS": "0.2",
                    "HTTP_PORT": str(port),
                    **self.environment,
                    **member.environment,
                },
                ends_by_itself=True,
            )
        )

    def _lag(self, role: Role, topics: list[str]) -> int:
        async def ask() -> int:
            async with PipelineProgress(self.settings) as progress:
                return await progress.lag(role, topics)

        try:
            return asyncio.run(ask())
        except KafkaError:
            return UNKNOWN_LAG

    def log_of(self, role: Role) -> str:
        """What the role's first worker wrote since it was started last."""
        return self.supervisor.log_path(f"{role}-0").read_text(errors="replace")

    def _log_directory(self) -> str:
        return str(self.supervisor.log_path("any").parent)
