"""Settings from the environment (12-factor), typed and checked at start."""

import re
import socket
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from liq.runtime.environment import environment
from liq.runtime.errors import ConfigurationError
from liq.runtime.misspelt import refuse_misspelt
from liq.schemas import detector_defaults
from liq.schemas.topics import DEFAULT_NAMESPACE, Topics

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
LEAST_TOKEN_CHARACTERS = 16
Loaded = TypeVar("Loaded", bound="EnvironmentSettings")


def host_slot() -> str:
    """Return the host's name, reduced to the characters that a member id may have.

    Every container or pod has its own name, so that scaling needs no further setting.
    """
    return re.sub(r"[^a-zA-Z0-9_.-]", "-", socket.gethostname())[:60] or "0"


class EnvironmentSettings(BaseSettings):
    """Settings whose environment variables are the field names in upper case."""

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
    produce_shards: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Parts into which live producers split venues and symbols; a producer takes "
        "the one of the number that WORKER_SLOT ends with, modulo this.",
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
    backfill_completion: bool = Field(
        default=True,
        description="Whether `liq backfill` asks all the time what sampled feeds have left out.",
    )
    backfill_positions: bool = Field(
        default=True,
        description="Whether `liq backfill` publishes open positions and their liquidation prices.",
    )
    topic_namespace: str = Field(
        default=DEFAULT_NAMESPACE,
        pattern=r"^[a-z0-9][a-z0-9-]{0,99}$",
        description="First part of every topic and consumer group name.",
    )
    topic_partitions: int = Field(
        default=12,
        ge=1,
        le=1000,
        description="Partitions of new topics; `liq topics grow` adds to events.",
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

    web_host: str = Field(default="127.0.0.1", description="Address of `liq serve`.")
    web_port: int = Field(
        default=8000, ge=0, le=65535, description="Port of `liq serve`; 0 picks a free one."
    )
    web_tokens: SecretStr = Field(
        default=SecretStr(""),
        description="Bearer tokens that `liq serve` accepts, comma separated; empty asks for none.",
    )
    web_memory_mb: int = Field(
        default=128, ge=8, le=65_536, description="Megabytes of records that `liq serve` keeps."
    )
    web_streams_per_client: int = Field(
        default=16, ge=1, le=10_000, description="Streams that an address may have open at once."
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

    @field_validator("web_tokens")
    @classmethod
    def _check_tokens(cls, value: SecretStr) -> SecretStr:
        tokens = [token.strip() for token in value.get_secret_value().split(",") if token.strip()]
        if any(len(token) < LEAST_TOKEN_CHARACTERS for token in tokens):
            raise ValueError(f"a token has at least {LEAST_TOKEN_CHARACTERS} characters")
        return value

    @field_validator("rates_kraken_url", "rates_bitstamp_url", "rates_coinbase_url")
    @classmethod
    def _check_ticker(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("give an address like https://example.com/ticker, without a login")
        return value

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
        return _checked_warehouse(value)

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
        return tuple(map(_checked_warehouse, value))

    @model_validator(mode="after")
    def _check_cluster(self) -> "Settings":
        if self.clickhouse_shards and self.clickhouse_cluster:
            raise ValueError(
                "CLICKHOUSE_SHARDS and CLICKHOUSE_CLUSTER cannot be combined; unset one of them"
            )
        return self

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
        """Return the consumer group of a stage (normalize, detect, sink...)."""
        return f"{self.topic_namespace}.{stage}"

    def masked(self) -> dict[str, str]:
        """Return the effective settings by environment variable, with secrets masked."""
        return {name.upper(): shown(getattr(self, name)) for name in type(self).model_fields}


def _checked_warehouse(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an address like http://127.0.0.1:8123")
    if "@" in parts.netloc or "password" in parts.query:
        # Logs and `liq config` show addresses, so they must not contain a password.
        raise ValueError(
            "an address holds no user or password; set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD"
        )
    return value


def shown(value: object) -> str:
    """Return a setting's value as text, with secrets masked."""
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def default_text(name: str) -> str:
    """Return a setting's default as text; empty if it is empty or depends on the machine."""
    field = Settings.model_fields[name]
    is_empty = field.default_factory is not None or field.default in ({}, ())
    return "" if is_empty else shown(field.default)


def load_settings(**overrides: Any) -> Settings:
    """Read the workers' settings from the environment.

    Raises:
        ConfigurationError: settings are invalid (one line for each), or a variable is a misspelt
            setting.
    """
    refuse_misspelt(environment(), frozenset(name.upper() for name in Settings.model_fields))
    return load_from_environment(Settings, **overrides)


def load_from_environment(kind: type[Loaded], **overrides: Any) -> Loaded:
    """Read a class of settings from the environment; `overrides` take precedence.

    Raises:
        ConfigurationError: settings are invalid; the message has one line for each.
    """
    try:
        return kind(**overrides)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc']).upper() or 'settings'}: {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigurationError("Settings are wrong:\n  " + "\n  ".join(lines)) from error
