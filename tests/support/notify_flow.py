"""Alerts, a notifications worker and its receivers as processes, and the expected deliveries."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from aiokafka.errors import KafkaError

from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.supervisor import Child, Supervisor
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import alert_headers
from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType
from tests.support.notify_rules import SECRET, alert
from tests.support.paths import ROOT
from tests.support.tended_worker import TendedWorker
from tests.support.traffic_thread import TrafficThread

RECEIVER_PROGRAM: Final = ROOT / "tests" / "support" / "webhook_receiver.py"
READY_SECONDS: Final = 90.0
POLL_SECONDS: Final = 0.02
CASCADES: Final = 8
RETRY_SECONDS: Final = 0.5


class Receivers:
    """A process that receives for several names; `dead` is an address without a listener."""

    def __init__(self, supervisor: Supervisor, folder: Path, slow_seconds: float = 0.0) -> None:
        self._supervisor = supervisor
        self._file = folder / "received.jsonl"
        self._slow_seconds = slow_seconds
        self._port, self.dead_port = free_port(), free_port()
        self._name = "receivers"

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self._port}/receiver/{name}"

    def start(self) -> None:
        """Start to listen, on the same port each time."""
        self._supervisor.start(
            Child(
                name=self._name,
                command=(sys.executable, str(RECEIVER_PROGRAM), str(self._port), str(self._file)),
                environment={"SECRET": SECRET, "SLOW_SECONDS": str(self._slow_seconds)},
                ends_by_itself=True,
            )
        )

    def kill(self) -> None:
        os.kill(self._supervisor.process_id(self._name), signal.SIGKILL)

    def tend(self) -> None:
        """Start the process again if it has ended."""
        if self._supervisor.has_ended(self._name):
            self._supervisor.stop(self._name)
            self.start()

    def notes(self) -> list[dict[str, Any]]:
        """Return the received messages in order; a line that a kill has cut was not answered."""
        if not self._file.exists():
            return []
        found = []
        for line in self._file.read_bytes().splitlines():
            try:
                found.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                continue
        return found


def write_rules(
    path: Path, receivers: Receivers, names: Sequence[str], dead: Sequence[str]
) -> Path:
    """Write rules that send every alert to every receiver."""
    lines = ["receivers:"]
    urls = {name: receivers.url(name) for name in names}
    urls |= {name: f"http://{LOOPBACK}:{receivers.dead_port}/{name}" for name in dead}
    for name, url in urls.items():
        lines += [f"  {name}:", f"    webhook: {url}", "    secret: ${SECRET}",
                  "    allow_internal: true"]  # fmt: skip
    lines += ["rules:", "  - name: all", "    when: {alerts: [detected, escalated, ended]}",
              f"    to: [{', '.join(urls)}]"]  # fmt: skip
    path.write_text("\n".join(lines))
    return path


class Traffic(TrafficThread):
    """A thread that publishes steps of cascades at a steady rate."""

    def __init__(self, settings: Settings, alerts_per_second: float) -> None:
        super().__init__(settings, linger_ms=0)
        self._pause_seconds = 1 / alerts_per_second
        self.sent: list[CascadeAlert] = []
        self.published_at: dict[str, float] = {}

    async def _publish_until_stopped(self, producer: Any) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            await self._publish(producer, _step(len(self.sent)))
            due = max(due + self._pause_seconds, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _publish(self, producer: Any, step: CascadeAlert) -> None:
        """Publish as the detector does: at least once, in the order of the cascade."""
        while not self._stop.is_set():
            try:
                await producer.send_and_wait(
                    self._settings.topics.cascades,
                    encode(step),
                    key=step.cascade_id.encode(),
                    headers=alert_headers(step),
                )
            except KafkaError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.sent.append(step)
                self.published_at[step.alert_id] = time.time()
                return


def _step(number: int) -> CascadeAlert:
    life, cascade = divmod(number, CASCADES)
    kinds = (AlertType.DETECTED, AlertType.ESCALATED, AlertType.ESCALATED, AlertType.ENDED)
    made = alert(f"alert-{number}", f"cascade-{life // len(kinds)}-{cascade}")
    return replace(
        made,
        type=kinds[life % len(kinds)],
        sequence=life % len(kinds),
        timestamp_ms=int(time.time() * 1000),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The deliveries of one receiver, compared with the published alerts."""

    lost: int
    repeated: int
    out_of_order: int
    unknown: int


def judge(notes: Sequence[dict[str, Any]], sent: Sequence[CascadeAlert]) -> dict[str, Told]:
    """Compare the messages of each receiver with the published alerts."""
    by_receiver: dict[str, list[str]] = defaultdict(list)
    for note in notes:
        assert note["body"]["data"]["id"] == note["id"]
        by_receiver[note["receiver"]].append(note["id"])
    steps = {step.alert_id: step for step in sent}
    return {name: _judge(ids, steps) for name, ids in by_receiver.items()}


def _judge(ids: Sequence[str], steps: dict[str, CascadeAlert]) -> Told:
    newest: dict[str, int] = {}
    out_of_order = 0
    for alert_id in dict.fromkeys(ids):  # a repeat comes late by nature
        step = steps.get(alert_id)
        if step is not None:
            out_of_order += step.sequence < newest.get(step.cascade_id, -1)
            newest[step.cascade_id] = step.sequence
    counts = Counter(ids)
    return Told(
        lost=len(steps.keys() - counts.keys()),
        repeated=sum(count - 1 for count in counts.values()),
        out_of_order=out_of_order,
        unknown=len(counts.keys() - steps.keys()),
    )


def wait_until(condition: Callable[[], bool], tend: Callable[[], None], seconds: float) -> None:
    """Wait for a condition, and call `tend` meanwhile, which restarts ended processes."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not true after {seconds:g} s")
        tend()
        time.sleep(POLL_SECONDS)


@contextmanager
def running(
    settings: Settings, folder: Path, names: Sequence[str], dead: Sequence[str] = ()
) -> Iterator[tuple[TendedWorker, Receivers]]:
    """Run a worker and its receivers, and wait until they are ready."""
    with Supervisor(folder / "logs") as supervisor:
        receivers = Receivers(supervisor, folder)
        receivers.start()
        rules = write_rules(folder / "rules.yaml", receivers, names, dead)
        worker = TendedWorker(
            supervisor,
            settings,
            "notify",
            environment={"SECRET": SECRET, "NOTIFY_RULES": str(rules)},
        )
        worker.start()
        wait_until(lambda: worker.is_ready, worker.tend, READY_SECONDS)
        yield worker, receivers
