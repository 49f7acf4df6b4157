"""The printed rights that a run has not used, and the errors of workers without one right."""

import asyncio
import re
import time
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from liq.cli.rights.kafka import WORKERS, Operation, Resource, worker_acls
from liq.cli.rights.missing import require_rights
from liq.runtime.errors import DependencyError
from liq.runtime.settings import Settings
from tests.conftest import WAIT_SECONDS
from tests.support.acl_kafka import Decision, allow, forbid, login_name

#: A worker, an operation, and a name in the namespace.
Right = tuple[str, Operation, str]
READ, WRITE = Operation.READ, Operation.WRITE
#: Rights that nothing in this run calls for: what was rejected, parked, lost, missed or given up, a
#: state that is rebuilt, a ticker or positions on the internet, a rule about watches, a setting
#: that differs.
NOT_CALLED_FOR: Final = {
    *(("normalize", WRITE, topic) for topic in ("feeds", "parked", "rejected")),
    *(
        ("detect", operation, topic)
        for operation, topic in ((READ, "cascades"), (WRITE, "rejected"))
    ),
    *(("notify", WRITE, topic) for topic in ("feeds", "undelivered")),
    *(("reference", WRITE, topic) for topic in ("feeds", "rates", "raw.", "rejected")),
    *(("backfill", WRITE, topic) for topic in ("feeds", "positions", "raw.")),
    ("sink-clickhouse", WRITE, "feeds"),
    ("notify", READ, "watch"),
    # One venue of the recording alone gives early signs and no alert.
    ("detect", WRITE, "cascades"),
    ("produce", READ, "feeds"),
    ("operator", Operation.ALTER_CONFIGS, ""),
}
#: A worker of its own test (Redis), and consumers, of whom one topic is read here.
ELSEWHERE: Final = {"sink-redis", "reader"}


def unused_rights(settings: Settings, decisions: AbstractSet[Decision]) -> set[Right]:
    """Return the rights without a decision: worker, operation, name in the namespace."""
    used = {(each.user, each.operation, each.resource, each.name) for each in decisions}
    return {
        (worker, operation, acl.name.removeprefix(f"{settings.topic_namespace}."))
        for worker in WORKERS
        if worker not in ELSEWHERE
        for acl in worker_acls(settings, worker)
        for operation in acl.operations
        if not any(
            (user, done, resource) == (login_name(worker), audit_name(operation), acl.resource)
            and (name.startswith(acl.name) if acl.is_prefix else name == acl.name)
            for user, done, resource, name in used
        )
    }


def audit_name(operation: Operation) -> str:
    """Return an operation's name in the authorizer's log: `DESCRIBE_CONFIGS`."""
    return "_".join(re.findall("[A-Z][a-z]+", operation.value)).upper()


async def take_rights_away_in_turn(settings: Settings, login: Settings, worker: str) -> None:
    """Revoke each right of a worker by itself; the worker's check must name that right."""
    exchanges = settings.exchanges
    await until_raised(login, worker, exchanges, "")
    for acl in worker_acls(settings, worker):
        if acl.is_prefix and acl.resource is Resource.GROUP:
            continue  # groups that consumers name themselves
        for operation in acl.operations:
            if operation is Operation.DESCRIBE and acl.is_prefix:
                continue  # given by READ and WRITE, too
            one = replace(acl, operations=(operation,))
            await forbid(settings, worker, one)
            await until_raised(login, worker, exchanges, f"{operation.value} on {acl.resource} ")
            await allow(settings, worker, [one])
    await until_raised(login, worker, exchanges, "")


async def until_raised(
    login: Settings, worker: str, exchanges: tuple[str, ...], words: str
) -> None:
    """Repeat the check until its error has `words`; with empty `words`, until it passes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        said = ""
        try:
            await require_rights(login, worker, exchanges)
        except DependencyError as error:
            said = str(error)
        if words in said if words else not said:
            return
        assert time.monotonic() < deadline, f"{worker}: wanted {words!r}, said {said!r}"
        await asyncio.sleep(0.1)
