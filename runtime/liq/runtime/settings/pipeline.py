"""Settings of Kafka and of the workers that write to it."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from liq.runtime.settings.base import SettingsGroup
from liq.schemas.topics import DEFAULT_NAMESPACE

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class PipelineSettings(SettingsGroup):
    """How workers reach Kafka, its topics, and what producers and their helpers publish."""

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

    @field_validator("rates_kraken_url", "rates_bitstamp_url", "rates_coinbase_url")
    @classmethod
    def _check_ticker(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("give an address like https://example.com/ticker, without a login")
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
    def _check_sasl(self) -> "PipelineSettings":
        has_credentials = self.kafka_sasl_username and self.kafka_sasl_password.get_secret_value()
        if self.kafka_security_protocol.startswith("SASL") and not has_credentials:
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs "
                "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        return self
