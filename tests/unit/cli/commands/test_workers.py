"""`liq process` and `liq sink` are not ready before they have what they were started for."""

import contextlib
from typing import Any

import pytest

from liq.cli import running, worker_topics
from liq.cli.commands import process, sink
from liq.runtime.health import Health


class Begun(Exception):  # noqa: N818 - it is no error
    """The worker itself was reached."""


@pytest.mark.parametrize("command", ["process", "sink"])
def test_a_worker_with_topics_and_no_partitions_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    seen: list[Health] = []

    async def topics_are_there(*_: Any) -> None:
        return None

    def begin(*arguments: Any) -> None:
        seen.extend(each for each in arguments if isinstance(each, Health))
        raise Begun

    def run_at_once(work: Any) -> None:
        work(None)

    monkeypatch.setenv("HTTP_PORT", "0")
    monkeypatch.setattr(worker_topics, "ensure_topics", topics_are_there)
    monkeypatch.setattr("liq.processors.workers.worker.run", begin)
    monkeypatch.setattr("liq.sinks.worker.run", begin)
    monkeypatch.setattr(running, "run_until_signal", run_at_once)
    with contextlib.suppress(Begun):
        if command == "process":
            process.process(process.Stage.NORMALIZE)
        else:
            sink.sink()
    [health] = seen
    assert health.conditions["topics"].holds
    assert not health.ready


def test_a_worker_that_has_declared_nothing_yet_is_not_ready() -> None:
    assert not Health().ready
