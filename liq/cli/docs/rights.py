"""docs/rights.md: the rights of each login on Kafka."""

from liq.cli.docs.page import DOCS, code, table, with_part
from liq.cli.rights.kafka import WORKERS, Acl, Operation, Resource, worker_acls
from liq.runtime.settings import Settings


def rights_page() -> str:
    """Return the text of docs/rights.md."""
    settings = Settings.model_construct()
    rows = []
    for worker in WORKERS:
        acls = worker_acls(settings, worker)
        topics = [acl for acl in acls if acl.resource is Resource.TOPIC]
        rows.append(
            (
                code(worker),
                _names(topics, Operation.READ),
                _names(topics, Operation.WRITE),
                _every(topics),
                ", ".join(
                    f"{acl.operations[0].value.lower()} {code(acl.name)}{'*' * acl.is_prefix}"
                    for acl in acls
                    if acl.resource is Resource.GROUP
                ),
            )
        )
    headings = ("login", "reads", "writes", "every topic", "groups")
    text = (DOCS / "rights.md").read_text(encoding="utf-8")
    return with_part(text, "rights", table(headings, rows))


def _names(topics: list[Acl], operation: Operation) -> str:
    return ", ".join(
        code(acl.name + "*" * acl.is_prefix) for acl in topics if operation in acl.operations
    )


def _every(topics: list[Acl]) -> str:
    plain = {Operation.READ, Operation.WRITE}
    words = [each.value for acl in topics for each in acl.operations if each not in plain]
    return ", ".join(words)
