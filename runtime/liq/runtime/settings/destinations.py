"""Settings of ClickHouse, Redis and notifications."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from liq.runtime.settings.base import SettingsGroup


class DestinationSettings(SettingsGroup):
    """Where sinks write, how much they write at once, and how long it is kept."""

    clickhouse_url: str = Field(
        default="http://127.0.0.1:8123", description="ClickHouse's HTTP interface."
    )
    clickhouse_user: str = Field(default="default", description="ClickHouse user.")
    clickhouse_password: SecretStr = Field(
        default=SecretStr(""), description="ClickHouse password."
    )
    clickhouse_reader_user: str = Field(
        default="",
        description="ClickHouse user of `liq sql` and `liq report`; CLICKHOUSE_USER if empty.",
    )
    clickhouse_reader_password: SecretStr = Field(
        default=SecretStr(""), description="ClickHouse password of that user."
    )
    clickhouse_database: str = Field(
        default="liquidations", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", description="Database."
    )
    clickhouse_cluster: str = Field(
        default="",
        pattern=r"^[a-zA-Z0-9_.{}-]*$",
        description="Cluster whose every server gets replicated tables; empty for one server.",
    )
    clickhouse_shards: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="HTTP interfaces of the servers that share the rows, comma separated, in an "
        "order that never changes; empty for one server.",
    )
    clickhouse_shards_cluster: str = Field(
        default="liquidations",
        pattern=r"^[a-zA-Z0-9_-]+$",
        description="Cluster in the servers' `remote_servers` that lists these shards.",
    )
    clickhouse_partitions: Literal["month", "day"] = Field(
        default="month",
        description="What a partition of liquidations and raw frames holds; day above some ten "
        "million events a day.",
    )
    clickhouse_retention_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Age at which liquidations, alerts and feed events are deleted; 0 is never.",
    )
    clickhouse_rejected_retention_days: int = Field(
        default=0, ge=0, le=36_500, description="The same for rejections, from their storing."
    )
    clickhouse_raw_retention_days: int = Field(
        default=90, ge=0, le=36_500, description="The same for archived raw frames."
    )
    sink_raw_archive: bool = Field(
        default=False, description="Whether the sink also stores raw frames, for later replays."
    )
    sink_max_rejected_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a batch (of 100 or more) that may be undecodable; beyond, it stops.",
    )
    sink_batch_rows: int = Field(
        default=50_000, ge=1, le=100_000, description="Records that close a ClickHouse batch."
    )
    sink_batch_seconds: float = Field(
        default=1.0, gt=0, le=60, description="Age that closes a ClickHouse batch, in seconds."
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="The Redis of `liq sink redis`, with its login; rediss:// for TLS.",
    )
    redis_prefix: str = Field(
        default="",
        pattern=r"^([a-zA-Z0-9][a-zA-Z0-9._-]{0,99})?$",
        description="First part of every key in Redis; TOPIC_NAMESPACE if empty.",
    )
    redis_hours: int = Field(
        default=24, ge=1, le=168, description="Hours that Redis keeps sums and ids of."
    )
    redis_last_count: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="Newest liquidations that Redis keeps of each asset, and of all together.",
    )
    redis_alerts_count: int = Field(
        default=1_000, ge=1, le=100_000, description="Alerts that the stream in Redis keeps."
    )

    notify_rules: str = Field(
        default="", description="File of rules for notifications (YAML); docs/notify.md."
    )

    @field_validator("redis_url")
    @classmethod
    def _check_redis(cls, value: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(value.get_secret_value())
            is_right = parts.scheme in {"redis", "rediss"} and bool(parts.hostname)
            is_right = is_right and (parts.port is None or parts.port > 0)
            is_right = is_right and re.fullmatch(r"/?[0-9]{0,4}", parts.path) is not None
        except ValueError:  # such as a port that is not a number, or an unpaired bracket
            is_right = False
        if not is_right or parts.query or parts.fragment:
            # The message must not contain the address, which may have a password.
            raise ValueError(
                "give an address like redis://127.0.0.1:6379/0; user:password@ goes before the host"
            )
        return value

    @field_validator("clickhouse_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        return _checked_address(value)

    @field_validator("clickhouse_shards", mode="before")
    @classmethod
    def _split_shards(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(url.strip() for url in value.split(",") if url.strip())
        return value

    @field_validator("clickhouse_shards")
    @classmethod
    def _check_shards(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) == 1 or len(set(value)) < len(value):
            raise ValueError("give two servers or more, each once; leave it empty for one server")
        return tuple(map(_checked_address, value))

    @model_validator(mode="after")
    def _check_cluster(self) -> "DestinationSettings":
        if self.clickhouse_shards and self.clickhouse_cluster:
            raise ValueError(
                "CLICKHOUSE_SHARDS and CLICKHOUSE_CLUSTER cannot be combined; unset one of them"
            )
        return self


def _checked_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an address like http://127.0.0.1:8123")
    if "@" in parts.netloc or "password" in parts.query:
        # Logs and `liq config` show addresses, so they must not contain a password.
        raise ValueError(
            "an address holds no user or password; set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD"
        )
    return value
