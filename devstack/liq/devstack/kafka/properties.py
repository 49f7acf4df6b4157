"""A node's `server.properties`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from liq.devstack.ports import LOOPBACK

BROKER_LISTENER = "PLAINTEXT"
CONTROLLER_LISTENER = "CONTROLLER"


@dataclass(frozen=True, slots=True)
class Node:
    """One process of a cluster, controller and broker at once.

    `extra_ports` has the port of every further listener, by the listener's name.
    """

    number: int
    port: int
    controller_port: int
    directory: Path
    extra_ports: Mapping[str, int]

    @property
    def address(self) -> str:
        """Where its plain listener is."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def properties_file(self) -> Path:
        """Its `server.properties`."""
        return self.directory / "server.properties"

    @property
    def log_directory(self) -> Path:
        """Its records and metadata."""
        return self.directory / "data"


def server_properties(
    node: Node, nodes: Sequence[Node], *, listeners: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, str]:
    """What makes a node part of this cluster.

    `listeners` are further listeners for clients, name to security protocol. `extra` comes last
    and wins.
    """
    client_ports = {BROKER_LISTENER: node.port, **node.extra_ports}
    advertised = [f"{name}://{LOOPBACK}:{port}" for name, port in client_ports.items()]
    protocols = {BROKER_LISTENER: "PLAINTEXT", CONTROLLER_LISTENER: "PLAINTEXT", **listeners}
    replicas = str(len(nodes))
    # With three, one may be away and writes go on.
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
        # Fifty of each by default: files and start-up time that a machine of one user saves.
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        # A new group waits 3 s for more members by default; on one machine nobody comes later.
        "group.initial.rebalance.delay.ms": "0",
        **extra,
    }


def properties_text(properties: Mapping[str, str]) -> str:
    """The text of a Java properties file with these entries."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


def _escaped(value: str) -> str:
    # Java reads the file as Latin-1 and takes a backslash and a line's end for its own.
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
