"""Kafka ACLs for each kind of worker, for the operator's commands, and for consumers.

A test runs everything with these rights on Kafka's own authorizer, whose log has the used rights.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from liq.runtime.settings import Settings

#: The default principal of a kind of worker.
PRINCIPAL: Final = "User:liq-{worker}"


class Resource(StrEnum):
    """The resource of a right, by the option of kafka-acls.sh."""

    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    """The operation of a right, by the option of kafka-acls.sh. Read and write include describe."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    ALTER = "Alter"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """A right to operations on a resource, or on all resources with a prefix."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """The topics that a worker reads and writes, as attributes of `liq.schemas.topics.Topics`.

    `raw` means the raw topic of every exchange. `group` is the stage of its consumer group,
    `watches` are the groups whose members or offsets it describes.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    group: str = ""
    watches: tuple[str, ...] = ()
    checks_topics: bool = True


NEEDS: Final[Mapping[str, Need]] = {
    "produce": Need(reads=("raw", "feeds", "rates"), writes=("raw", "feeds")),
    "replay": Need(writes=("raw",)),
    "reference": Need(
        reads=("parked", "instruments", "events"),
        writes=("raw", "instruments", "rates", "rejected", "feeds"),
        group="reference",
    ),
    "backfill": Need(reads=("feeds",), writes=("raw", "feeds", "positions"), group="backfill"),
    "normalize": Need(
        reads=("raw", "instruments"),
        writes=("events", "large", "rejected", "feeds", "parked", "layout"),
        group="normalize",
    ),
    "detect": Need(
        reads=("events", "pulse", "cascades", "detector_state", "market_state"),
        writes=(
            *("events", "pulse", "watch", "cascades", "rejected", "feeds", "status"),
            *("detector_state", "market_state", "layout"),
        ),
        group="detect",
        watches=("normalize",),
    ),
    "sink-clickhouse": Need(
        reads=("events", "cascades", "rejected", "feeds", "instruments", "positions"),
        writes=("feeds",),
        group="sink-clickhouse",
    ),
    "sink-redis": Need(
        reads=("events", "cascades", "feeds", "status"), writes=("feeds",), group="sink-redis"
    ),
    "notify": Need(
        reads=("cascades", "watch", "large", "feeds", "status", "notify_ledger"),
        writes=("notify_ledger", "undelivered", "feeds"),
        group="notify",
    ),
    "serve": Need(reads=("events", "cascades", "watch", "feeds", "status")),
    # Other consumers: the public topics, and groups with the prefix `reader`.
    "reader": Need(
        reads=("events", "large", "watch", "cascades", "feeds", "status"), checks_topics=False
    ),
}


#: `liq topics`, `--apply`, `grow`, and `liq doctor`, which has a topic of its own.
OPERATOR: Final = "operator"
WORKERS: Final = (*NEEDS, OPERATOR)


def worker_acls(settings: Settings, worker: str) -> tuple[Acl, ...]:
    """Return the rights of a kind of worker."""
    return tuple(_operator(settings) if worker == OPERATOR else _worker(settings, worker))


def _worker(settings: Settings, worker: str) -> Iterator[Acl]:
    need = NEEDS[worker]
    # The layout has the number of partitions of events.
    reads = (*need.reads, "layout") if need.checks_topics else need.reads
    if worker == "sink-clickhouse" and settings.sink_raw_archive:
        reads = (*reads, "raw")
    for name in dict.fromkeys((*reads, *need.writes)):
        wanted = ((reads, Operation.READ), (need.writes, Operation.WRITE))
        operations = tuple(operation for list_, operation in wanted if name in list_)
        yield _topic(settings, name, *operations)
    if need.checks_topics:
        yield _every_topic(settings, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)
    if need.group:
        yield Acl(Resource.GROUP, settings.group(need.group), (Operation.READ,))
    for stage in need.watches:
        yield Acl(Resource.GROUP, settings.group(stage), (Operation.DESCRIBE,))
    if worker == "reader":
        group = f"{settings.topic_namespace}-reader"
        yield Acl(Resource.GROUP, group, (Operation.READ,), is_prefix=True)


def _operator(settings: Settings) -> Iterator[Acl]:
    yield _every_topic(
        settings,
        *(Operation.CREATE, Operation.ALTER, Operation.DESCRIBE),
        *(Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS),
    )
    yield _topic(settings, "layout", Operation.READ, Operation.WRITE)
    yield _topic(settings, "probe", Operation.READ, Operation.WRITE)
    for name in ("instruments", "rates"):
        yield _topic(settings, name, Operation.READ)
    for stage in ("normalize", "detect"):
        yield Acl(Resource.GROUP, settings.group(stage), (Operation.DESCRIBE,))


def _topic(settings: Settings, name: str, *operations: Operation) -> Acl:
    if name == "raw":
        return Acl(Resource.TOPIC, settings.topics.raw(""), operations, is_prefix=True)
    return Acl(Resource.TOPIC, getattr(settings.topics, name), operations)


def _every_topic(settings: Settings, *operations: Operation) -> Acl:
    return Acl(Resource.TOPIC, f"{settings.topic_namespace}.", operations, is_prefix=True)


def commands(settings: Settings, workers: Sequence[str], principal: str) -> Iterator[str]:
    """Yield the lines of kafka-acls.sh that grant some workers their rights."""
    for worker in workers:
        who = principal.format(worker=worker)
        yield f"# {worker}"
        for acl in worker_acls(settings, worker):
            operations = " ".join(f"--operation {each.value}" for each in acl.operations)
            pattern = " --resource-pattern-type prefixed" if acl.is_prefix else ""
            yield (
                'kafka-acls.sh --bootstrap-server "$BROKERS" --command-config "$ADMIN" --add '
                f"--allow-principal '{who}' {operations} --{acl.resource} '{acl.name}'{pattern}"
            )
