"""The check of a worker's rights at its start.

Without it, some missing rights would end a worker, some would cause a warning, and some would only
show in records that never arrive.
"""

from collections.abc import Iterator, Sequence

from aiokafka.errors import KafkaError

from liq.cli.rights.kafka import Acl, Operation, Resource, worker_acls
from liq.runtime.authorized import Authorized, OperationCode, authorized_operations
from liq.runtime.errors import DependencyError
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.settings import Settings

#: The most missing rights in a sentence.
SHOWN = 5


async def require_rights(settings: Settings, worker: str, exchanges: tuple[str, ...]) -> None:
    """Check that the login has every right of its kind of worker.

    Topics that do not exist yet are skipped; a missing right shows when they are created.

    Raises:
        ConfigurationError: Kafka refuses the login or the certificate.
        DependencyError: a right is missing, or the brokers do not answer.
    """
    acls = worker_acls(settings, worker)
    topics = [spec.name for spec in settings.topics.specs(exchanges)]
    groups = [acl.name for acl in acls if acl.resource is Resource.GROUP and not acl.is_prefix]
    try:
        authorized = await authorized_operations(settings, topics, groups)
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error
    missing = list(missing_rights(acls, authorized))
    if missing:
        raise DependencyError(sentence(settings, worker, missing))


def missing_rights(
    acls: Sequence[Acl], authorized: Authorized
) -> Iterator[tuple[Operation, Resource, str]]:
    """Yield each needed operation that is not authorized, with the topic or group."""
    for acl in acls:
        known = authorized.topics if acl.resource is Resource.TOPIC else authorized.groups
        for name, allowed in sorted(known.items()):
            if name.startswith(acl.name) if acl.is_prefix else name == acl.name:
                for operation in acl.operations:
                    if OperationCode[operation.name] not in allowed:
                        yield operation, acl.resource, name


def sentence(
    settings: Settings, worker: str, missing: Sequence[tuple[Operation, Resource, str]]
) -> str:
    """Return a sentence with the missing rights, and with the command that prints all rights."""
    user = settings.kafka_sasl_username or "of this worker"
    named = ", ".join(f"{each.value} on {kind} {name}" for each, kind, name in missing[:SHOWN])
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return (
        f"Kafka at {settings.kafka_bootstrap_servers} does not give the login {user} the right "
        f"{named}{more}; `liq rights kafka {worker}` prints every right that is needed."
    )
