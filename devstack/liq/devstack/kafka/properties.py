"""The `server.properties` of a node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from liq.devstack.ports import LOOPBACK

BROKER_LISTENER = "PLAINTEXT"
CONTROLLER_LISTENER = "CONTROLLER"


@dataclass(frozen=True, slots=True)
class Node:
    """A process of a cluster, both controller and broker.

    `extra_ports` maps the name of each additional listener to its port.
    """

    number: int
    port: int
    controller_port: int
    directory: Path
    extra_ports: Mapping[str, int]

    @property
    def address(self) -> str:
        """The address of the plain listener."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def properties_file(self) -> Path:
        """The path of `server.properties`."""
        return self.directory / "server.properties"

    @property
    def log_directory(self) -> Path:
        """The directory of records and metadata."""
        return self.directory / "data"


def server_properties(
    node: Node, nodes: Sequence[Node], *, listeners: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, str]:
    """Return the properties of a node of this cluster.

    `listeners` maps the names of additional listeners to their security protocol. `extra` takes
    precedence.
    """
    client_ports = {BROKER_LISTENER: node.port, **node.extra_ports}
    advertised = [f"{name}://{LOOPBACK}:{port}" for name, port in client_ports.items()]
    protocols = {BROKER_LISTENER: "PLAINTEXT", CONTROLLER_LISTENER: "PLAINTEXT", **listeners}
    replicas = str(len(nodes))
    # With three brokers, writes continue while one is down.
    in_sync = str(max(1, len(nodes) - 1))
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(
            f"{each.number}@{LOOPBACK}:{each.controller_port}" for each in nodes
        ),
        "controller.listener.names": CONTROLLER_LISTENER,
        "inter.broker.listener.name": BROKER_LISTENER,
        "listeners": ",".join(
            (*advertised, f"{CONTROLLER_LISTENER}://{LOOPBACK}:{node.controller_port}")
        ),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(
            f"{name}:{protocol}" for name, protocol in protocols.items()
        ),
        "log.dirs": str(node.log_directory),
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        # The default is fifty of each, which costs files and start-up time.
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        # By default a new group waits 3 s for more members, which is useless on one machine.
        "group.initial.rebalance.delay.ms": "0",
        **extra,
    }


def properties_text(properties: Mapping[str, str]) -> str:
    """Return the text of a Java properties file with these entries."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


def _escaped(value: str) -> str:
    # Java reads the file as Latin-1, and interprets backslashes and line ends.
    text = value.replace("\\", "\\\\").replace("\n", "\\n")
    return "".join(
        character
        if character.isascii()
        else "".join(f"\\u{unit:04x}" for unit in _utf16_units(character))
        for character in text
    )


def _utf16_units(character: str) -> list[int]:
    encoded = character.encode("utf-16-be")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]
