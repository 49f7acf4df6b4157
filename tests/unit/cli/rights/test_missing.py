"""A worker's missing rights, as the brokers' answers show them."""

import pytest

from liq.cli.rights.kafka import NEEDS, Acl, Operation, Resource, worker_acls
from liq.cli.rights.missing import missing_rights, sentence
from liq.runtime.authorized import UNKNOWN, Authorized, OperationCode, decoded
from liq.runtime.settings import Settings

EXCHANGES = ("okx", "bybit")
SETTINGS = Settings.model_construct()
TOPICS = [spec.name for spec in SETTINGS.topics.specs(EXCHANGES)]


def granted(acls: tuple[Acl, ...], without: tuple[Acl, Operation] | None = None) -> Authorized:
    """Return what brokers answer a login with these rights, but for one of them."""

    def on(resource: Resource, name: str) -> frozenset[OperationCode]:
        operations = {
            OperationCode[operation.name]
            for acl in acls
            for operation in acl.operations
            if (acl, operation) != without
            and acl.resource is resource
            and (name.startswith(acl.name) if acl.is_prefix else name == acl.name)
        }
        if operations & {OperationCode.READ, OperationCode.WRITE}:
            operations.add(OperationCode.DESCRIBE)
        return frozenset(operations)

    groups = [acl.name for acl in acls if acl.resource is Resource.GROUP]
    return Authorized(
        {name: on(Resource.TOPIC, name) for name in TOPICS},
        {name: on(Resource.GROUP, name) for name in groups},
    )


@pytest.mark.parametrize("worker", NEEDS)
def test_every_right_that_is_taken_away_is_named(worker: str) -> None:
    acls = worker_acls(SETTINGS, worker)
    assert list(missing_rights(acls, granted(acls))) == []
    for acl in acls:
        if acl.is_prefix and acl.resource is Resource.GROUP:
            continue  # names of other people's groups
        for operation in acl.operations:
            missing = list(missing_rights(acls, granted(acls, without=(acl, operation))))
            assert missing, (acl, operation)
            for found, resource, name in missing:
                assert (found, resource) == (operation, acl.resource)
                assert name.startswith(acl.name)


def test_what_the_brokers_do_not_know_is_not_missing() -> None:
    acls = worker_acls(SETTINGS, "detect")
    assert list(missing_rights(acls, Authorized())) == []


def test_a_sentence_names_some_and_counts_the_others() -> None:
    acls = worker_acls(SETTINGS, "detect")
    nothing = Authorized(dict.fromkeys(TOPICS, frozenset()))
    said = sentence(SETTINGS, "detect", list(missing_rights(acls, nothing)))
    assert "Read on topic liquidations.events" in said
    assert " more; `liq rights kafka detect`" in said
    assert len(said) < 500


def test_bits_are_operations() -> None:
    assert decoded(1 << 3 | 1 << 8 | 1 << 6) == {OperationCode.READ, OperationCode.DESCRIBE}
    # The brokers' value for "not asked or not known" has none of the bits.
    assert decoded(UNKNOWN) == frozenset()
