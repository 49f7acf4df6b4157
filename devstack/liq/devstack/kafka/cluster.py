"""One or three Apache Kafka brokers; each is a child process that can stop alone."""

import base64
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from liq.devstack.broker_address import PLAIN_CLIENT_SETTINGS, BrokerAddress
from liq.devstack.guard import signal_group
from liq.devstack.kafka.artifacts import java_binary, kafka_jars
from liq.devstack.kafka.properties import Node, properties_text, server_properties
from liq.devstack.ports import LOOPBACK, choose_port, free_port
from liq.devstack.probe import answers_kafka
from liq.devstack.supervisor import Child, Supervisor
from liq.runtime.errors import DependencyError

READY_SECONDS = 60.0
# Small heap, no collector threads, one compiler: brokers share the laptop with other processes.
JVM_OPTIONS = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LOG_OPTIONS = (
    "-Dorg.slf4j.simpleLogger.logFile=System.out",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
    # Otherwise all settings at every start, and lines for every partition, fill most of the log.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.cluster.Partition=warn",
    "-Dorg.slf4j.simpleLogger.log.state.change.logger=warn",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """The options of a cluster.

    `port` is the first broker's, the others' follow it; 0 picks free ones. `listeners` maps the
    names of additional listeners to their security protocol (`{"SECURE": "SASL_SSL"}`).
    `scram_users` maps users of those listeners to their passwords, by SCRAM-SHA-512, from the first
    start on. `properties` are added to every `server.properties` and take precedence.
    """

    brokers: int = 1
    port: int = 0
    jars: Path | None = None
    listeners: Mapping[str, str] = field(default_factory=dict)
    scram_users: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)


class ApacheKafka:
    """A cluster on loopback; brokers are numbered from 1.

    A broker keeps its ports and its data between `stop_broker` or `kill_broker` and
    `start_broker`. The next cluster with the same directory and number of brokers reuses the data.
    """

    def __init__(
        self, supervisor: Supervisor, directory: Path, options: ClusterOptions | None = None
    ) -> None:
        self._supervisor = supervisor
        self._options = options or ClusterOptions()
        # Controllers store their peers, so another number of brokers is another cluster.
        self._directory = directory / f"apache-{self._options.brokers}"
        self._nodes: tuple[Node, ...] = ()
        self._java = ""
        self._jars = Path()

    @property
    def brokers(self) -> tuple[int, ...]:
        """The brokers' numbers."""
        return tuple(range(1, self._options.brokers + 1))

    def start(self) -> BrokerAddress:
        """Start every broker and wait until all of them answer.

        Raises:
            ConfigurationError: Java, Maven or a port is missing.
            DependencyError: a broker did not start.
        """
        self._java = java_binary()
        self._jars = self._options.jars or kafka_jars()
        self._nodes = self._new_nodes()
        self._write_properties()
        self._format()
        for node in self._nodes:
            self._supervisor.start(self._child(node))
        # A broker is ready only when a majority has started, so wait for all of them together.
        self._supervisor.wait_until(
            lambda: all(answers_kafka(LOOPBACK, node.port) for node in self._nodes),
            READY_SECONDS,
            "Apache Kafka to be ready",
        )
        return BrokerAddress(
            self.bootstrap_servers(),
            {
                **PLAIN_CLIENT_SETTINGS,
                "KAFKA_EMULATE_LONG_POLL": "false",
                "TOPIC_REPLICATION": str(self._options.brokers),
            },
        )

    def stop(self) -> None:
        """Stop the running brokers together."""
        self._supervisor.stop(*self._running())

    def bootstrap_servers(self, listener: str = "") -> str:
        """Return the brokers' addresses on an additional listener, or on the plain one."""
        ports = [node.extra_ports[listener] if listener else node.port for node in self._nodes]
        return ",".join(f"{LOOPBACK}:{port}" for port in ports)

    def process_id(self, broker: int) -> int:
        """Return the process id of a running broker."""
        return self._supervisor.process_id(self.name(broker))

    def name(self, broker: int) -> str:
        """Return a broker's name at the supervisor."""
        return f"kafka-{broker}"

    def start_broker(self, broker: int) -> None:
        """Start a broker again, with its ports and data, and wait until it answers.

        Raises:
            DependencyError: it did not start.
        """
        node = self._node(broker)
        self._supervisor.start(self._child(node))
        self._supervisor.wait_until(
            lambda: answers_kafka(LOOPBACK, node.port),
            READY_SECONDS,
            f"{self.name(broker)} to be ready",
        )

    def stop_broker(self, broker: int) -> int:
        """Stop a broker with a controlled shutdown; return its exit code (143 for SIGTERM)."""
        return self._supervisor.stop(self.name(broker))[self.name(broker)]

    def kill_broker(self, broker: int) -> None:
        """Kill a broker with SIGKILL, without a handover or a flush."""
        signal_group(self.process_id(broker), signal.SIGKILL)
        self._supervisor.stop(self.name(broker))

    def _running(self) -> list[str]:
        names = [self.name(node.number) for node in self._nodes]
        return [name for name in names if name in self._supervisor.names]

    def _node(self, broker: int) -> Node:
        return self._nodes[broker - 1]

    def _new_nodes(self) -> tuple[Node, ...]:
        first = self._options.port
        return tuple(
            Node(
                number=number,
                port=choose_port(first and first + number - 1, "EMBEDDED_KAFKA_PORT"),
                controller_port=free_port(),
                directory=self._directory / f"broker-{number}",
                extra_ports={name: free_port() for name in self._options.listeners},
            )
            for number in self.brokers
        )

    def _write_properties(self) -> None:
        for node in self._nodes:
            node.directory.mkdir(parents=True, exist_ok=True)
            properties = server_properties(
                node,
                self._nodes,
                listeners=self._options.listeners,
                extra=self._options.properties,
            )
            node.properties_file.write_text(properties_text(properties))

    def _format(self) -> None:
        """Format the new data directories."""
        new = [
            node for node in self._nodes if not (node.log_directory / "meta.properties").exists()
        ]
        if not new:
            return
        cluster_id = self._cluster_id()
        users = [
            f"--add-scram=SCRAM-SHA-512=[name={user},password={password}]"
            for user, password in self._options.scram_users.items()
        ]
        formatting = [
            subprocess.Popen(  # noqa: S603 - Kafka's own tool
                [
                    *self._command("kafka.tools.StorageTool"),
                    *("format", "--cluster-id", cluster_id),
                    *("--config", str(node.properties_file), *users),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for node in new
        ]
        for node, process in zip(new, formatting, strict=True):
            told, _ = process.communicate()
            if process.returncode != 0:
                raise DependencyError(f"Kafka could not prepare {node.log_directory}: {told}")

    def _cluster_id(self) -> str:
        file = self._directory / "cluster.id"
        if not file.exists():
            file.write_text(new_cluster_id())
        return file.read_text()

    def _child(self, node: Node) -> Child:
        # Kafka unpacks native libraries there, and a killed broker does not remove them.
        own_temporary_files = f"-Djava.io.tmpdir={node.directory}"
        return Child(
            name=self.name(node.number),
            command=(
                *self._command("kafka.Kafka", own_temporary_files),
                str(node.properties_file),
            ),
        )

    def _command(self, program: str, *options: str) -> Sequence[str]:
        return (
            *(self._java, *JVM_OPTIONS, *LOG_OPTIONS, *options),
            *("-cp", f"{self._jars}/*", program),
        )


def new_cluster_id() -> str:
    """Return a random id in Kafka's form, without a leading dash, which would be an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
