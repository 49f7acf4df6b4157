"""Kafka for the development stack: several kinds of broker behind one small interface."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Protocol

from liq.devstack.broker_address import PLAIN_CLIENT_SETTINGS, BrokerAddress
from liq.devstack.kafka.cluster import ApacheKafka, ClusterOptions
from liq.devstack.options import StackOptions
from liq.devstack.ports import LOOPBACK, choose_port
from liq.devstack.probe import answers_kafka
from liq.devstack.supervisor import Child, Supervisor
from liq.runtime.errors import ConfigurationError

NAME = "kafka"
DOCKER_IMAGE = "confluentinc/cp-kafka:7.9.2"


class Broker(Protocol):
    """A Kafka broker that runs between `start` and `stop`."""

    def start(self) -> BrokerAddress:
        """Start the broker, wait until it answers, and return its address.

        Raises:
            ConfigurationError: a setting or a missing package prevents it; the message names it.
            DependencyError: the broker did not start.
        """

    def stop(self) -> None:
        """Stop what `start` has started."""


class EmbeddedBroker:
    """noida-db, a broker in one binary from PyPI, as a child process.

    It is for laptops and tests. It holds its data in memory, and writes them to disk once a second
    and at a clean stop. It has no long poll, so clients must emulate one, and never removes a dead
    member of a consumer group, so clients use static membership. Its warning about a weak GLIBC
    symbol at the start is harmless.
    """

    def __init__(self, supervisor: Supervisor, data_directory: Path, port: int) -> None:
        self._supervisor = supervisor
        self._data_directory = data_directory
        self._wanted_port = port

    def start(self) -> BrokerAddress:
        """Start the process and wait until it answers."""
        port = choose_port(self._wanted_port, "EMBEDDED_KAFKA_PORT")
        self._data_directory.mkdir(parents=True, exist_ok=True)
        self._supervisor.start(
            Child(
                name=NAME,
                command=(
                    *(str(noida_binary()), "start", "--only", "kafka"),
                    *("--host", LOOPBACK, "--kafka-port", str(port)),
                    *("--data-dir", str(self._data_directory)),
                ),
                is_ready=lambda: answers_kafka(LOOPBACK, port),
            )
        )
        return BrokerAddress(
            f"{LOOPBACK}:{port}", {**PLAIN_CLIENT_SETTINGS, "KAFKA_EMULATE_LONG_POLL": "true"}
        )

    def stop(self) -> None:
        """Stop the process, which saves its data first."""
        if NAME in self._supervisor.names:
            self._supervisor.stop(NAME)


class GivenBroker:
    """Existing brokers; their security settings come unchanged from the environment."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers

    def start(self) -> BrokerAddress:
        """Return the address without starting anything."""
        return BrokerAddress(self._bootstrap_servers)

    def stop(self) -> None:
        """Do nothing: the brokers are not part of the stack."""


class DockerBroker:
    """Kafka in a container, by testcontainers; requires a running Docker.

    The project's tests run without Docker and do not cover this kind.
    """

    def __init__(self) -> None:
        self._container: Any = None

    def start(self) -> BrokerAddress:
        """Start a single KRaft broker on a free port."""
        try:
            errors = importlib.import_module("docker.errors")
            containers = importlib.import_module("testcontainers.community.kafka")
        except ImportError as error:
            raise ConfigurationError(
                "KAFKA=docker needs the package testcontainers; install it, or unset KAFKA."
            ) from error
        try:
            self._container = containers.KafkaContainer(DOCKER_IMAGE).with_kraft()
            self._container.start()
        except errors.DockerException as error:
            raise ConfigurationError(
                f"KAFKA=docker, but Docker does not answer ({error}); start it, or unset KAFKA."
            ) from error
        return BrokerAddress(
            self._container.get_bootstrap_server(),
            {**PLAIN_CLIENT_SETTINGS, "KAFKA_EMULATE_LONG_POLL": "false"},
        )

    def stop(self) -> None:
        """Remove the container."""
        if self._container is not None:
            self._container.stop()
            self._container = None


def choose_broker(options: StackOptions, supervisor: Supervisor) -> Broker:
    """Return the broker that the options select: existing brokers, else one to start."""
    if options.kafka_bootstrap_servers:
        return GivenBroker(options.kafka_bootstrap_servers)
    if options.kafka == "docker":
        return DockerBroker()
    if options.kafka == "apache":
        cluster = ClusterOptions(
            brokers=options.kafka_brokers,
            port=options.embedded_kafka_port,
            jars=options.kafka_jars_dir,
        )
        return ApacheKafka(supervisor, options.embedded_data_dir / NAME, cluster)
    return EmbeddedBroker(supervisor, options.embedded_data_dir / NAME, options.embedded_kafka_port)


def noida_binary() -> Path:
    """Return the broker's executable in the installed package.

    Raises:
        ConfigurationError: the package is not installed, or has no executable for this platform.
    """
    found = importlib.util.find_spec("noida_db")
    binary = Path(found.origin).parent / "noida-db" if found and found.origin else None
    if binary is None or not binary.is_file():
        raise ConfigurationError(
            "The embedded broker is not installed; install the extra `devstack`, or set "
            "KAFKA_BOOTSTRAP_SERVERS to brokers of your own."
        )
    return binary
