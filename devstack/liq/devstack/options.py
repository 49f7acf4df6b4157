"""The options of the development stack, from the environment."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from liq.runtime.settings import EnvironmentSettings, load_from_environment

BrokerKind = Literal["embedded", "docker", "apache"]
WarehouseKind = Literal["embedded", "server", "docker"]


class StackOptions(EnvironmentSettings):
    """The settings of the stack itself; those of its clients are derived from them."""

    kafka: BrokerKind = Field(
        default="embedded", description="Which broker to start if none is given."
    )
    kafka_brokers: int = Field(
        default=1, description="Brokers that KAFKA=apache starts: 1, or 3 that replicate."
    )
    kafka_jars_dir: Path | None = Field(
        default=None,
        description="Kafka's jars for KAFKA=apache (an unpacked Kafka's libs); Maven's if unset.",
    )
    kafka_bootstrap_servers: str = Field(
        default="", description="Brokers that are there already; nothing is started then."
    )
    clickhouse: WarehouseKind = Field(
        default="embedded", description="Which ClickHouse to start if none is given."
    )
    clickhouse_servers: int = Field(
        default=1,
        ge=1,
        le=9,
        description="Servers that CLICKHOUSE=server starts; several are the shards of one.",
    )
    clickhouse_url: str = Field(
        default="", description="A ClickHouse that is there already; nothing is started then."
    )
    clickhouse_database: str = Field(default="liquidations", description="Database.")
    embedded_data_dir: Path = Field(
        default=Path(".liq"), description="Where data, logs and the lock of a stack are."
    )
    embedded_kafka_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the first broker; 0 picks a free one."
    )
    embedded_clickhouse_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of the ClickHouse that is started; 0 picks a free one.",
    )

    @field_validator("kafka_brokers")
    @classmethod
    def _check_brokers(cls, value: int) -> int:
        if value not in {1, 3}:
            raise ValueError("give 1 or 3; two cannot outvote the loss of one")
        return value


def load_stack_options(**overrides: Any) -> StackOptions:
    """Read the stack's settings from the environment.

    Raises:
        ConfigurationError: a setting is wrong; the message has a line for each.
    """
    return load_from_environment(StackOptions, **overrides)
