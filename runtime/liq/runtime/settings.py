"""Settings from the environment (12-factor), typed and checked at start."""

import re
import socket
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from liq.runtime.errors import ConfigurationError
from liq.schemas import detector_defaults
from liq.schemas.topics import DEFAULT_NAMESPACE, Topics

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Loaded = TypeVar("Loaded", bound="EnvironmentSettings")


def host_slot() -> str:
    """The host's name with only the characters that a member id may have.

    A container or pod has a name of its own, so that scaling needs no further setting.
    """
    return re.sub(r"[^a-zA-Z0-9_.-]", "-", socket.gethostname())[:60] or "0"


class EnvironmentSettings(BaseSettings):
    """Settings whose names in the environment are the field names, upper case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)


class Settings(EnvironmentSettings):
    """Every setting of every worker."""

    exchanges: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Venues to work on, comma separated; empty means every known one."
    )

    cascade_window_seconds: int = Field(
        default=detector_defaults.WINDOW_SECONDS,
        ge=detector_defaults.MIN_WINDOW_SECONDS,
        le=detector_defaults.QUIET_SECONDS,
        description="Detection window, in seconds of event time.",
    )
    cascade_min_events: int = Field(
        default=detector_defaults.MIN_EVENTS,
        ge=2,
        description="Liquidations of one side in the window that make a cascade.",
    )
    cascade_min_value_usd: Decimal = Field(
        default=detector_defaults.MIN_VALUE_USD,
        gt=0,
        description="Dollars in the window that make a cascade.",
    )
    cascade_min_value_usd_by_asset: dict[str, Annotated[Decimal, Field(gt=0)]] = Field(
        default={}, description='The same for single assets, as JSON: {"BTC": 500000}.'
    )
    cascade_start_nats: float = Field(
        default=detector_defaults.START_NATS,
        ge=detector_defaults.HOT_NATS,
        le=200,
        description="Evidence that starts a cascade; more is rarer.",
    )
    cascade_score_gate: float = Field(
        default=detector_defaults.SCORE_GATE,
        ge=0,
        le=100,
        description="Least risk score that starts a cascade.",
    )
    checkpoint_seconds: float = Field(
        default=0.5,
        gt=0,
        le=10,
        description="Seconds between checkpoints of the detector; a crash repeats what came since.",
    )
    institutional_threshold_usd: Decimal = Field(
        default=Decimal(100_000), gt=0, description="Dollars that make one liquidation large."
    )
    price_level_rounding: Decimal = Field(
        default=Decimal(100), gt=0, description="Step of BTC price levels, in dollars."
    )
    rate_max_age_seconds: int = Field(
        default=600,
        ge=60,
        le=86_400,
        description="Age beyond which the rate of another currency values nothing any more.",
    )

    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092", description="Brokers, host:port, comma separated."
    )
    kafka_security_protocol: SecurityProtocol = Field(
        default="PLAINTEXT", description="How to talk to the brokers."
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        default="SCRAM-SHA-512", description="SASL mechanism, where the protocol is SASL_*."
    )
    kafka_sasl_username: str = Field(default="", description="SASL user.")
    kafka_sasl_password: SecretStr = Field(default=SecretStr(""), description="SASL password.")
    kafka_ssl_cafile: str = Field(default="", description="CA certificates (PEM) to trust.")
    kafka_ssl_certfile: str = Field(default="", description="Client certificate (PEM).")
    kafka_ssl_keyfile: str = Field(default="", description="Client key (PEM).")
    kafka_emulate_long_poll: bool = Field(
        default=False,
        description="Slow down empty fetches; only for a broker without a long poll.",
    )
    produce_acknowledge_seconds: float = Field(
        default=30.0,
        ge=1,
        le=30,
        description="Time without Kafka's acknowledgement after which a live producer ends (69).",
    )
    reference_listing_seconds: float = Field(
        default=3_600.0,
        ge=1,
        le=86_400,
        description="Time from one regular listing of a venue's contracts to the next.",
    )
    reference_ask_seconds: float = Field(
        default=60.0,
        ge=1,
        le=3_600,
        description="Least time between listings of a venue that unknown contracts ask for.",
    )
    topic_namespace: str = Field(
        default=DEFAULT_NAMESPACE,
        pattern=r"^[a-z0-9][a-z0-9-]{0,99}$",
        description="First part of every topic and consumer group name.",
    )
    topic_partitions: int = Field(
        default=12, ge=1, le=1000, description="Partitions of new topics; never change it later."
    )
    topic_replication: int = Field(default=1, ge=1, le=9, description="Replicas of new topics.")

    rates_kraken_url: str = Field(
        default="https://api.kraken.com/0/public/Ticker?pair=XBTUSD,ETHUSD,EURUSD,USDTUSD,USDCUSD",
        description="First ticker of other currencies in dollars, in Kraken's form.",
    )
    rates_bitstamp_url: str = Field(
        default="https://www.bitstamp.net/api/v2/ticker/",
        description="The ticker that is asked where the first has no quote, in Bitstamp's form.",
    )
    rates_coinbase_url: str = Field(
        default="https://api.coinbase.com/v2/exchange-rates?currency=USD",
        description="The last ticker that is asked, in Coinbase's form.",
    )

    clickhouse_url: str = Field(
        default="http://127.0.0.1:8123", description="ClickHouse's HTTP interface."
    )
    clickhouse_user: str = Field(default="default", description="ClickHouse user.")
    clickhouse_password: SecretStr = Field(
        default=SecretStr(""), description="ClickHouse password."
    )
    clickhouse_database: str = Field(
        default="liquidations", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", description="Database."
    )
    clickhouse_cluster: str = Field(
        default="",
        pattern=r"^[a-zA-Z0-9_.{}-]*$",
        description="Cluster whose every server gets replicated tables; empty for one server.",
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

    worker_slot: str = Field(
        default_factory=host_slot,
        pattern=r"^[a-zA-Z0-9_.-]{1,60}$",
        description="This process among its equals: unique in a consumer group, stable on restart; "
        "the host's name if unset.",
    )
    http_host: str = Field(default="127.0.0.1", description="Address of metrics and health.")
    http_port: int = Field(
        default=8080, ge=0, le=65535, description="Port of metrics and health; 0 picks a free one."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe log line to write."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, JSON lines elsewhere."
    )

    @field_validator("exchanges", mode="before")
    @classmethod
    def _split_exchanges(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word.strip().lower() for word in value.split(",") if word.strip())
        return value

    @field_validator("rates_kraken_url", "rates_bitstamp_url", "rates_coinbase_url")
    @classmethod
    def _check_ticker(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("give an address like https://example.com/ticker, without a login")
        return value

    @field_validator("clickhouse_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("give an address like http://127.0.0.1:8123")
        if "@" in parts.netloc or "password" in parts.query:
            # Addresses are shown in logs and by `liq config`.
            raise ValueError(
                "an address holds no user or password; set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD"
            )
        return value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _check_servers(cls, value: str) -> str:
        if "@" in value or "://" in value:
            raise ValueError(
                "give host:port, comma separated, without user or password; set "
                "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        return value

    @model_validator(mode="after")
    def _check_sasl(self) -> "Settings":
        has_credentials = self.kafka_sasl_username and self.kafka_sasl_password.get_secret_value()
        if self.kafka_security_protocol.startswith("SASL") and not has_credentials:
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs "
                "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        return self

    @cached_property
    def topics(self) -> Topics:
        """Topic names in this namespace."""
        return Topics(self.topic_namespace)

    def group(self, stage: str) -> str:
        """Consumer group of a stage (normalize, detect, sink...)."""
        return f"{self.topic_namespace}.{stage}"

    def masked(self) -> dict[str, str]:
        """What is in force, by environment name, with secrets masked."""
        return {name.upper(): shown(getattr(self, name)) for name in type(self).model_fields}


def shown(value: object) -> str:
    """A setting's value as text, secrets masked."""
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def default_text(name: str) -> str:
    """Return a setting's default as text; empty where it is empty or depends on the machine."""
    field = Settings.model_fields[name]
    is_empty = field.default_factory is not None or field.default in ({}, ())
    return "" if is_empty else shown(field.default)


def load_settings(**overrides: Any) -> Settings:
    """Read the workers' settings from the environment.

    Raises:
        ConfigurationError: with one line for each setting that is wrong.
    """
    return load_from_environment(Settings, **overrides)


def load_from_environment(kind: type[Loaded], **overrides: Any) -> Loaded:
    """Read a class of settings from the environment; `overrides` go first.

    Raises:
        ConfigurationError: with one line for each setting that is wrong.
    """
    try:
        return kind(**overrides)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc']).upper() or 'settings'}: {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigurationError("Settings are wrong:\n  " + "\n  ".join(lines)) from error
