"""The address of a broker."""

from dataclasses import dataclass, field

# Security settings in the environment belong to other brokers, not to those of the stack.
PLAIN_CLIENT_SETTINGS = {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "KAFKA_SASL_USERNAME": ""}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """The address of a broker, and the settings of its clients by environment variable."""

    bootstrap_servers: str
    client_settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that a client process needs."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers, **self.client_settings}
