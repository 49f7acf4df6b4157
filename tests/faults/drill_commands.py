"""Runs the commands of docs/drills.md on running pipelines, as written there.

Names are the only changes: the topics' namespace, the brokers, and the number of replicas. The
commands of compose start and stop workers of a pipeline, or of one of two.
"""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from liq.devstack.kafka.artifacts import java_binary, maven_jars
from liq.devstack.kafka.cluster import JVM_OPTIONS, LOG_OPTIONS
from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Child, Supervisor
from tests.conftest import worker_environment
from tests.faults.pipeline import Pipeline, Role
from tests.support.paths import ROOT

POM: Final = ROOT / "tests" / "support" / "mirror_maker" / "pom.xml"
MIRROR: Final = "mirror"
PROGRAMS: Final = {
    "connect-mirror-maker.sh": "org.apache.kafka.connect.mirror.MirrorMaker",
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
}
ROLES: Final = {
    "produce": Role.PRODUCE,
    "normalize": Role.NORMALIZE,
    "detect": Role.DETECT,
    "sink": Role.SINK,
}
#: The slot of workers where there is one pipeline.
ONLY_SLOT: Final = "0"
COMMAND_SECONDS: Final = 600.0
READY_SECONDS: Final = 90.0
LAG_SECONDS: Final = 120.0
#: What is written may be a stage behind what is read: events, alerts, rows.
TIMES_WITHOUT_LAG: Final = 3


@dataclass
class Drill:
    """The pipelines that a drill names by their brokers and projects, and a directory for files.

    They are `old` and `new`, or one, `brokers`.
    """

    pipelines: Mapping[str, Pipeline]
    supervisor: Supervisor
    directory: Path
    _jars: Path = field(init=False)

    def __post_init__(self) -> None:
        """Find Kafka's tools."""
        self._jars = maven_jars(POM, "mirror-maker")

    def write_properties(self, text: str) -> None:
        """Write the mirror's file."""
        text = re.sub(r"(replication\.factor) = \d+", r"\1 = 1", self._named(text))
        for name, pipeline in self.pipelines.items():
            brokers = pipeline.settings.kafka_bootstrap_servers
            text = text.replace(f"= {name.upper()}\n", f"= {brokers}\n")
        (self.directory / "mirror.properties").write_text(text)

    def perform(self, block: str) -> None:
        """Run a block's commands, each to its end, except for the mirror itself."""
        for line in block.splitlines():
            self.run(line)

    def run(self, line: str) -> str:
        """Run a command to its end; return the output of those of `liq` and of kafka-topics.sh."""
        command, _, file = self._named(line).partition(" > ")
        for name, pipeline in self.pipelines.items():
            command = command.replace(
                f'"${name.upper()}"', pipeline.settings.kafka_bootstrap_servers
            )
        words = shlex.split(command)
        brokers = ""
        if words[0].startswith("KAFKA_BOOTSTRAP_SERVERS="):
            brokers = words.pop(0).partition("=")[2]
        match words:
            case ["connect-mirror-maker.sh", properties]:
                self._start_mirror(properties)
            case ["kafka-consumer-groups.sh", *arguments]:
                self._groups(arguments)
            case ["liq", *arguments]:
                output = self._finish(liq_command(*arguments), brokers)
                if file:
                    (self.directory / file).write_text(output)
                return output
            case ["kafka-topics.sh", *arguments]:
                return self._finish((*self._java("kafka-topics.sh"), *arguments))
            case ["docker", "compose", "--project-name", project, *rest]:
                self._compose(self.pipelines[project], project, rest)
            case ["docker", "compose", *rest]:
                self._compose(self._first, ONLY_SLOT, rest)
            case _:
                raise ValueError(line)
        return ""

    def stop_mirror(self) -> None:
        """End the mirror in order."""
        self.supervisor.stop(MIRROR)

    @property
    def _first(self) -> Pipeline:
        return next(iter(self.pipelines.values()))

    def _named(self, text: str) -> str:
        namespace = self._first.settings.topic_namespace
        return re.sub(r"\bliquidations(?=\.|\\)", namespace, text)

    def _start_mirror(self, properties: str) -> None:
        command = (*self._java("connect-mirror-maker.sh"), str(self.directory / properties))
        self.supervisor.start(Child(name=MIRROR, command=command))

    def _groups(self, arguments: Sequence[str]) -> None:
        command = (*self._java("kafka-consumer-groups.sh"), *arguments)
        if "--describe" not in arguments:
            told = self._finish(command)
            assert "Error" not in told, told
            return
        deadline = time.monotonic() + LAG_SECONDS
        without = 0
        while without < TIMES_WITHOUT_LAG:
            assert time.monotonic() < deadline, "the old workers keep a lag"
            without = 0 if self._lags(self._finish(command)) else without + 1

    def _lags(self, table: str) -> list[str]:
        """Return the rows of this pipeline's groups that have a lag."""
        prefix = f"{self._first.settings.topic_namespace}."
        rows = [line for line in table.splitlines() if line.startswith(prefix)]
        assert rows, table
        return [row for row in rows if _has_lag(row.split())]

    def _compose(self, pipeline: Pipeline, slot: str, arguments: Sequence[str]) -> None:
        verb, *rest = arguments
        roles = [ROLES[word] for word in rest if not word.startswith("--")]
        if verb == "stop":
            members = [member for role in roles for member in pipeline.of(role)]
            codes = pipeline.stop(*members)
            assert set(codes.values()) == {0}, codes
            return
        assert verb in {"up", "start"}
        if verb == "up":
            # Compose replaces a container of another image or environment.
            running = [each for role in roles for each in pipeline.of(role) if each.slot == slot]
            codes = pipeline.stop(*running)
            assert set(codes.values()) <= {0}, codes
        started = [pipeline.start(role, slot) for role in roles]
        pipeline.wait_until(lambda: all(map(pipeline.is_ready, started)), READY_SECONDS)

    def _java(self, program: str) -> tuple[str, ...]:
        classpath = ("-cp", f"{self._jars}/*")
        return (java_binary(), *JVM_OPTIONS, *LOG_OPTIONS, *classpath, PROGRAMS[program])

    def _finish(self, command: Sequence[str], brokers: str = "") -> str:
        settings = self._first.settings
        names = [each.dialect.exchange for each in self._first.exchanges]
        environment = {**worker_environment(settings), "EXCHANGES": ",".join(names)}
        if brokers:
            environment["KAFKA_BOOTSTRAP_SERVERS"] = brokers
        done = subprocess.run(
            command,
            cwd=self.directory,
            env={**environment, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


def _has_lag(row: Sequence[str]) -> bool:
    """Return whether a row of `--describe` has a lag; without a commit, of an empty partition."""
    _, _, _, offset, end, lag, *_ = row
    return lag not in {"0", "-"} or (offset == "-" and end != "0")
