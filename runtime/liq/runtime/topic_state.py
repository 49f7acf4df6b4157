"""The wanted and the actual state of a topic, and their differences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from liq.runtime.kafka import MAX_REQUEST_BYTES
from liq.schemas.topics import TopicSpec
from liq.schemas.units import DAY_MS

MISSING: Final = "missing"


@dataclass(frozen=True, slots=True)
class TopicState:
    """The wanted and the actual state of a topic; `partitions` is None if it does not exist.

    `replication` is the number of replicas of the partition with the fewest.
    """

    spec: TopicSpec
    wanted_partitions: int
    wanted_replication: int = 1
    partitions: int | None = None
    replication: int | None = None
    configs: Mapping[str, str] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether the topic exists."""
        return self.partitions is not None

    @property
    def wanted_configs(self) -> dict[str, str]:
        """The configuration with which this project creates the topic."""
        # A rejected record has its frame as base64, beyond the brokers' default of 1 MiB.
        return {**self.spec.configs, "max.message.bytes": str(MAX_REQUEST_BYTES)}

    @property
    def config_changes(self) -> dict[str, str]:
        """The settings that differ, with their wanted values.

        Settings that the broker does not list are absent.
        """
        return {
            name: value
            for name, value in self.wanted_configs.items()
            if name in self.configs and self.configs[name] != value
        }

    @property
    def has_wrong_partitions(self) -> bool:
        """Whether the topic exists with a wrong number of partitions."""
        return self.exists and self.partitions != self.wanted_partitions

    @property
    def differences(self) -> tuple[str, ...]:
        """The differences, in words."""
        if not self.exists:
            return (MISSING,)
        configs = tuple(
            _difference(name, self.configs[name], value)
            for name, value in self.config_changes.items()
        )
        return (*self.fixed_differences, *configs)

    @property
    def fixed_differences(self) -> tuple[str, ...]:
        """The differences that `alter_topics` cannot repair, in words."""
        counts = (
            ("partitions", self.partitions, self.wanted_partitions),
            ("replicas", self.replication, self.wanted_replication),
        )
        return tuple(
            _difference(name, found, wanted)
            for name, found, wanted in counts
            if found is not None and found != wanted
        )

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return name, partitions, clean-up, retention and key for a table on a terminal."""
        retention_ms = self.configs.get("retention.ms")
        return (
            self.spec.name,
            MISSING if self.partitions is None else str(self.partitions),
            self.configs.get("cleanup.policy", ""),
            "" if retention_ms is None else _duration(int(retention_ms)),
            self.spec.key,
        )


def _difference(name: str, found: object, wanted: object) -> str:
    return f"{name} is {found}, wanted {wanted}"


def _duration(milliseconds: int) -> str:
    if milliseconds < 0:
        return "for ever"
    return f"{milliseconds / DAY_MS:g} d"
