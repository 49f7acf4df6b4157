"""Where a broker is."""

from dataclasses import dataclass, field

# A security setting in the environment belongs to other brokers than the ones started here.
PLAIN_CLIENT_SETTINGS = {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "KAFKA_SASL_USERNAME": ""}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is, and the settings that its clients need (by environment name)."""

    bootstrap_servers: str
    client_settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Everything that a client process must find in its environment."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers, **self.client_settings}
