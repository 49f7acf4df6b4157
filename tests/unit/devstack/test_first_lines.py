"""`liq demo` and `liq dev --play` name everything they wait for before they wait for it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Self

import pytest

from liq.devstack import demo, development, stack, starting
from liq.devstack.demo import DemoOptions
from liq.devstack.development import Recording
from liq.devstack.supervisor import Child

ADDRESSES: Final = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "CLICKHOUSE_URL": "http://127.0.0.1:1",
}
FRAME: Final = b'{"received_at_ns": 5}\n'
STAGES: Final = ["liq process normalize", "liq process detect", "liq sink clickhouse"]


class Journal:
    """What the command prints and what it waits for, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.waits: list[str] = []

    def print(self, text: str, **_: Any) -> None:
        self.lines.append(text)

    def wait(self, what: str) -> None:
        """Fail unless a line has named what the command waits for now."""
        assert any(what in line for line in self.lines), (what, self.lines)
        self.waits.append(what)


class Processes:
    """The supervisor of processes that are ready and end at once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._words: dict[str, str] = {}
        self.names = ()

    def __call__(self, *_: Any, **__: Any) -> "Processes":
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def start(self, child: Child) -> None:
        self._words[child.name] = " ".join(("liq", *child.command[4:]))

    def wait_until_ready(self, name: str, _: Callable[[], bool], __: float) -> None:
        self._journal.wait(self._words[name])

    def wait_for_end(self, name: str, _: float) -> int:
        assert name == "past"
        self._journal.wait("the recording")
        return 0

    def stop(self, *_: str) -> Mapping[str, int]:
        return {}


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Journal:
    made = Journal()

    def part(name: str) -> Callable[..., Any]:
        def start() -> Any:
            made.wait(name)
            return SimpleNamespace(environment=ADDRESSES)

        return lambda *_: SimpleNamespace(start=start, stop=lambda: None)

    async def ensure_topics(*_: object) -> None:
        made.wait("topics")

    def install(_: object) -> None:
        made.wait("tables")

    monkeypatch.chdir(tmp_path)
    for name in ("EMBEDDED_KAFKA_PORT", "EMBEDDED_CLICKHOUSE_PORT", "WEB_PORT"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setattr(starting, "err", made)
    monkeypatch.setattr(stack, "choose_broker", part("Kafka"))
    monkeypatch.setattr(stack, "choose_warehouse", part("ClickHouse"))
    monkeypatch.setattr(stack, "Supervisor", Processes(made))
    for command in (demo, development):
        monkeypatch.setattr(command, "ensure_topics", ensure_topics)
        monkeypatch.setattr(command, "configure_logging", lambda *_, **__: None)
    monkeypatch.setattr(development, "install", install)
    monkeypatch.setattr(demo, "prepare_database", install)
    return made


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    file = tmp_path / "capture.jsonl"
    file.write_bytes(FRAME * 3)
    return file


def test_the_demo_names_what_it_waits_for(
    journal: Journal, capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def watch(*_: object) -> None:
        """Do nothing: nothing plays."""

    monkeypatch.setattr(demo, "_watch", watch)
    monkeypatch.setattr(demo, "connect", lambda _: None)
    monkeypatch.setattr(demo, "print_report", lambda *_: None)
    monkeypatch.setattr(demo, "out", Journal())
    demo.run_demo(DemoOptions(capture, "max"))
    assert journal.waits == ["Kafka", "ClickHouse", "topics", "tables", *STAGES]


def test_dev_names_what_it_waits_for(
    journal: Journal, capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(development, "_watch", interrupted)
    monkeypatch.setattr(development, "out", Journal())
    monkeypatch.setattr(development, "err", Journal())
    development.run_development(Recording(capture, "60", since_ns=9))
    assert journal.waits == [
        *("Kafka", "ClickHouse", "topics", "tables", *STAGES, "liq serve", "the recording")
    ]
