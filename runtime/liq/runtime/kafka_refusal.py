"""Errors for brokers that are unreachable or refuse a request, with the settings to check.

aiokafka's exception states only that bootstrapping failed; the reason is in its log. So this module
opens one more connection, and turns the exception of that attempt into a sentence.
"""

import ssl
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import connection_options
from liq.runtime.settings import Settings

TIMEOUT_MS = 5_000
WRONG_LOGIN = (AuthenticationFailedError, SaslAuthenticationFailed)
WRONG_MECHANISM = (AuthenticationMethodNotSupported, UnsupportedSaslMechanismError)
NO_RIGHT: Final = {
    TopicAuthorizationFailedError: "topic",
    GroupAuthorizationFailedError: "group",
    ClusterAuthorizationFailedError: "cluster",
}


def why_refused(settings: Settings, error: BaseException) -> DependencyError | None:
    """Return the error to end with if the login lacked a right for its request; else None.

    A worker checks its rights at start, so this right was revoked later.
    """
    kind = next((kind for each, kind in NO_RIGHT.items() if isinstance(error, each)), None)
    if kind is None:
        return None
    names = sorted(_names(error))
    return DependencyError(
        f"Kafka at {settings.kafka_bootstrap_servers} refuses the login "
        f"{settings.kafka_sasl_username or 'of this worker'} the {' '.join([kind, *names])}; "
        "`liq rights kafka` prints every right that each kind of worker needs."
    )


def why_failed(settings: Settings, error: KafkaError) -> DependencyError:
    """Return the error to end with after a request failed, without another connection."""
    return why_refused(settings, error) or DependencyError(
        f"Kafka at {settings.kafka_bootstrap_servers} failed ({error!r}); check "
        "KAFKA_BOOTSTRAP_SERVERS and the credentials."
    )


def _names(error: BaseException) -> set[str]:
    """Return the topics or groups in an error of aiokafka: a name or a collection of names."""
    found: set[str] = set()
    for each in error.args:
        if isinstance(each, (set, frozenset, list, tuple)):
            found.update(map(str, each))
        else:
            found.add(str(each))
    return found


async def why_unreachable(
    settings: Settings, error: Exception
) -> ConfigurationError | DependencyError:
    """Return the error to end with after the client has raised `error`."""
    return why_refused(settings, error) or await _why_not_reached(settings, error)


async def _why_not_reached(
    settings: Settings, error: Exception
) -> ConfigurationError | DependencyError:
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
    # A broker that rejects the client's certificate closes the connection without a reason.
    certificate = ", and KAFKA_SSL_CERTFILE if it asks for one" if "SSL" in protocol else ""
    return DependencyError(
        f"Kafka at {where} did not answer as it should ({error}); check KAFKA_BOOTSTRAP_SERVERS, "
        f"that this port speaks KAFKA_SECURITY_PROTOCOL={protocol}{certificate}."
    )
