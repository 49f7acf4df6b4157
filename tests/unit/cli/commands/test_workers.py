"""No worker is ready before it has what it was started for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from liq.cli import running, worker_topics
from liq.cli.commands import notify, process, reference, serve, sink
from liq.runtime.health import Health, HealthServer
from liq.runtime.settings import Settings
from tests.support.notify_rules import ENVIRONMENT, WHOLE

COMMANDS: dict[str, Callable[[], None]] = {
    "process normalize": lambda: process.process(process.Stage.NORMALIZE),
    "process detect": lambda: process.process(process.Stage.DETECT),
    "sink": sink.sink,
    "notify": lambda: notify.notify(typer.Context(typer.main.get_command(notify.app))),
    "reference": lambda: reference.reference(["okx"]),
    "serve": serve.serve,
}


class Begun(Exception):  # noqa: N818 - it is no error
    """The worker itself was reached."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_worker_with_topics_and_nothing_else_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    seen: list[Health] = []
    start_health = running.start_health

    def start(settings: Settings, worker: str, *conditions: str) -> tuple[Health, HealthServer]:
        health, server = start_health(settings, worker, *conditions)
        seen.append(health)
        return health, server

    async def topics_are_there(*_: Any) -> None:
        return None

    def begin(*_: Any, **__: Any) -> None:
        raise Begun

    rules = tmp_path / "rules.yaml"
    rules.write_text(WHOLE)
    for name, text in {**ENVIRONMENT, "HTTP_PORT": "0"}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("NOTIFY_RULES", str(rules))
    monkeypatch.setattr(running, "start_health", start)
    monkeypatch.setattr(worker_topics, "ensure_topics", topics_are_there)
    monkeypatch.setattr(worker_topics, "require_rights", topics_are_there)
    monkeypatch.setattr("liq.processors.workers.worker.run", begin)
    monkeypatch.setattr(running, "run_until_signal", begin)
    with pytest.raises(Begun):
        COMMANDS[command]()
    [health] = seen
    assert health.conditions["topics"].holds
    assert not health.ready


def test_a_worker_that_has_declared_nothing_yet_is_not_ready() -> None:
    assert not Health().ready
