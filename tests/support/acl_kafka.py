"""An Apache Kafka with an authorizer, on which users need rights."""

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from liq.cli.rights.kafka import Acl, Operation, Resource
from liq.devstack.kafka.cluster import ApacheKafka, ClusterOptions
from liq.devstack.supervisor import Supervisor
from liq.runtime.kafka import new_admin
from liq.runtime.settings import Settings

LISTENER: Final = "LOGIN"
#: Numbers of Kafka's protocol.
RESOURCES: Final = {Resource.TOPIC: 2, Resource.GROUP: 3}
OPERATIONS: Final = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Alter": 7,
    "Describe": 8,
    "DescribeConfigs": 10,
    "AlterConfigs": 11,
}
LITERAL, PREFIXED, ALLOW, ANY_HOST = 3, 4, 3, "*"
#: The authorizer's log has a line for every right that was used.
AUDIT: Final = "-Dorg.slf4j.simpleLogger.log.kafka.authorizer.logger=debug"
_decision = re.compile(
    r"Principal = User:(\S+) is (Allowed|Denied) operation = (\w+) "
    r".*?on resource = (\w+):\w+:(\S+) for request = (\w+)"
)


@dataclass(frozen=True, slots=True, order=True)
class Decision:
    """The authorizer's decision on an operation."""

    user: str
    is_allowed: bool
    operation: str
    resource: str
    name: str


def login_name(worker: str) -> str:
    """Return the user of a kind of worker, without dashes, which JAAS does not accept."""
    return worker.replace("-", "_")


class AclKafka:
    """A broker with a listener for logins (SASL PLAIN, a user's password is its name).

    Clients of the plain listener may do everything: brokers, and observing tests.
    """

    def __init__(self, supervisor: Supervisor, directory: Path, workers: Iterable[str]) -> None:
        if os.environ.get("KAFKA") != "apache":
            pytest.skip("starts Apache Kafka; run with KAFKA=apache")
        users = [login_name(worker) for worker in workers]
        logins = " ".join(f'user_{user}="{user}"' for user in users)
        self._log = supervisor.log_path("kafka-1")
        self._cluster = ApacheKafka(
            supervisor,
            directory,
            ClusterOptions(
                listeners={LISTENER: "SASL_PLAINTEXT"},
                properties={
                    "authorizer.class.name": (
                        "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
                    ),
                    "super.users": "User:ANONYMOUS",
                    "auto.create.topics.enable": "false",
                    "sasl.enabled.mechanisms": "PLAIN",
                    "listener.name.login.plain.sasl.jaas.config": (
                        "org.apache.kafka.common.security.plain.PlainLoginModule required "
                        f"{logins};"
                    ),
                },
            ),
        )
        self._cluster.start()

    @property
    def plain(self) -> dict[str, str]:
        """Return the environment of a client that may do everything."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self._cluster.bootstrap_servers(),
            "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
            "KAFKA_EMULATE_LONG_POLL": "false",
            "TOPIC_REPLICATION": "1",
        }

    def login(self, worker: str) -> dict[str, str]:
        """Return the environment of a worker that logs in."""
        return {
            **self.plain,
            "KAFKA_BOOTSTRAP_SERVERS": self._cluster.bootstrap_servers(LISTENER),
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": login_name(worker),
            "KAFKA_SASL_PASSWORD": login_name(worker),
        }

    def decisions(self) -> set[Decision]:
        """Return the authorizer's decisions so far on users that logged in."""
        found = _decision.findall(self._log.read_text(errors="replace"))
        return {
            Decision(user, said == "Allowed", operation, resource.lower(), name)
            for user, said, operation, resource, name, _request in found
            if user != "ANONYMOUS"
        }


def printed_acls(text: str, user: str) -> tuple[Acl, ...]:
    """Return the rights that the lines of kafka-acls.sh in a text grant to a user."""
    lines = [shlex.split(line) for line in text.splitlines() if line.startswith("kafka-acls.sh ")]
    assert all(f"User:{user}" in words for words in lines), text
    return tuple(_printed_acl(list(pairwise(words))) for words in lines)


def _printed_acl(options: Sequence[tuple[str, str]]) -> Acl:
    [(resource, name)] = [
        (each, value) for each in Resource for option, value in options if option == f"--{each}"
    ]
    operations = tuple(Operation(value) for option, value in options if option == "--operation")
    return Acl(resource, name, operations, ("--resource-pattern-type", "prefixed") in options)


async def allow(settings: Settings, worker: str, acls: Sequence[Acl]) -> None:
    """Grant rights to a worker; the settings are those of a client that may alter ACLs."""
    for answer in await _ask(settings, CreateAclsRequest, worker, acls):
        assert all(error == 0 for error, *_ in answer.creation_responses), answer


async def forbid(settings: Settings, worker: str, acl: Acl) -> None:
    """Revoke a right."""
    for answer in await _ask(settings, DeleteAclsRequest, worker, [acl]):
        [found] = answer.filter_responses
        assert found[0] == 0, answer
        assert len(found[2]) == 1, answer


async def _ask(settings: Settings, request: Any, worker: str, acls: Sequence[Acl]) -> list[Any]:
    """Send a request for each operation of the rights; return the answers."""
    admin = new_admin(settings, "rights")
    await admin.start()
    user = f"User:{login_name(worker)}"
    try:
        return [
            await admin._send_request(
                request(
                    RESOURCES[acl.resource],
                    acl.name,
                    PREFIXED if acl.is_prefix else LITERAL,
                    user,
                    ANY_HOST,
                    OPERATIONS[operation],
                    ALLOW,
                )
            )
            for acl in acls
            for operation in acl.operations
        ]
    finally:
        await admin.close()
