"""An Apache Kafka that requires a login or a certificate."""

import os
from pathlib import Path

import pytest

from liq.devstack.kafka.cluster import ApacheKafka, ClusterOptions
from liq.devstack.supervisor import Supervisor
from tests.support.certificates import Authority, Certificate

USER, PASSWORD = "liq-worker", "correct horse; battery=staple"


class SecureKafka:
    """A broker with two listeners: SASL over TLS, and TLS with a client certificate.

    It runs from its construction to the end of the supervisor. It needs Java, so its tests are
    skipped unless Apache Kafka was requested.
    """

    def __init__(self, supervisor: Supervisor, directory: Path) -> None:
        if os.environ.get("KAFKA") != "apache":
            pytest.skip("starts Apache Kafka; run with KAFKA=apache")
        self.authority = Authority(directory, "authority")
        self.stranger = Authority(directory, "stranger")
        self.client: Certificate = self.authority.sign("client")
        server = self.authority.sign("server")
        keystore = directory / "server-keystore.pem"
        keystore.write_bytes(server.key_file.read_bytes() + server.certificate_file.read_bytes())
        self._cluster = ApacheKafka(
            supervisor,
            directory / "data",
            ClusterOptions(
                listeners={"LOGIN": "SASL_SSL", "MUTUAL": "SSL"},
                scram_users={USER: PASSWORD},
                properties={
                    "ssl.keystore.type": "PEM",
                    "ssl.keystore.location": str(keystore),
                    "ssl.truststore.type": "PEM",
                    "ssl.truststore.location": str(self.authority.file),
                    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                    "listener.name.login.scram-sha-512.sasl.jaas.config": (
                        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                    ),
                    "listener.name.mutual.ssl.client.auth": "required",
                },
            ),
        )
        self._cluster.start()

    def login(self, **changes: str) -> dict[str, str]:
        """Return the environment of a client that logs in."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self._cluster.bootstrap_servers("LOGIN"),
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": USER,
            "KAFKA_SASL_PASSWORD": PASSWORD,
            "KAFKA_SSL_CAFILE": str(self.authority.file),
            "KAFKA_EMULATE_LONG_POLL": "false",
            "TOPIC_REPLICATION": "1",
            "EXCHANGES": "binance",
            **changes,
        }

    def mutual(self, certificate: Certificate) -> dict[str, str]:
        """Return the environment of a client with a certificate."""
        return self.login(
            KAFKA_BOOTSTRAP_SERVERS=self._cluster.bootstrap_servers("MUTUAL"),
            KAFKA_SECURITY_PROTOCOL="SSL",
            KAFKA_SSL_CERTFILE=str(certificate.certificate_file),
            KAFKA_SSL_KEYFILE=str(certificate.key_file),
        )
