"""Why the brokers cannot be reached, in a sentence that says what to set.

aiokafka says only that it could not bootstrap, and logs the reason. So the first connection is
tried once more by itself, and what it raises is put into words.
"""

import ssl

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import connection_options
from liq.runtime.settings import Settings

TIMEOUT_MS = 5_000
WRONG_LOGIN = (AuthenticationFailedError, SaslAuthenticationFailed)
WRONG_MECHANISM = (AuthenticationMethodNotSupported, UnsupportedSaslMechanismError)


async def why_unreachable(
    settings: Settings, error: Exception
) -> ConfigurationError | DependencyError:
    """The error to end with; `error` is what the client raised."""
    options = connection_options(settings) | {"request_timeout_ms": TIMEOUT_MS}
    where = options.pop("bootstrap_servers")
    host, _, port = where.split(",")[0].strip().rpartition(":")
    try:
        connection = await create_conn(host, int(port), **options)
    except WRONG_LOGIN as refusal:
        return ConfigurationError(
            f"Kafka at {where} refuses the user {settings.kafka_sasl_username} ({refusal}); check "
            "KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM."
        )
    except WRONG_MECHANISM as refusal:
        return ConfigurationError(
            f"Kafka at {where} does not offer {settings.kafka_sasl_mechanism} ({refusal}); check "
            "KAFKA_SASL_MECHANISM."
        )
    except ssl.SSLCertVerificationError as refusal:
        return ConfigurationError(
            f"The certificate of Kafka at {where} is not trusted ({refusal.verify_message}); set "
            "KAFKA_SSL_CAFILE to the CA that signed it, and name the brokers in "
            "KAFKA_BOOTSTRAP_SERVERS as the certificate does."
        )
    except ssl.SSLError as refusal:
        return ConfigurationError(
            f"Kafka at {where} does not speak TLS with us ({refusal.reason}); check "
            "KAFKA_SECURITY_PROTOCOL, KAFKA_SSL_CERTFILE and KAFKA_SSL_KEYFILE."
        )
    except (KafkaError, OSError, TimeoutError, ValueError) as refusal:
        return _away(where, settings, refusal)
    connection.close()
    return _away(where, settings, error)


def _away(where: str, settings: Settings, error: Exception) -> DependencyError:
    protocol = settings.kafka_security_protocol
    # A broker that does not accept our certificate says nothing and hangs up.
    certificate = ", and KAFKA_SSL_CERTFILE if it asks for one" if "SSL" in protocol else ""
    return DependencyError(
        f"Kafka at {where} did not answer as it should ({error}); check KAFKA_BOOTSTRAP_SERVERS, "
        f"that this port speaks KAFKA_SECURITY_PROTOCOL={protocol}{certificate}."
    )
