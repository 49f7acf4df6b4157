"""The rights that `liq rights kafka` prints, on Kafka's own authorizer."""

import asyncio
import re
import shlex
import time
from collections.abc import Awaitable, Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from liq.cli.console import EXIT_DEPENDENCY
from liq.cli.rights.kafka import NEEDS, WORKERS, Operation, Resource, worker_acls
from liq.devstack.exchange.registry import dialect
from liq.devstack.exchange.server import LocalExchange
from liq.devstack.ports import free_port
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import Supervisor
from liq.runtime.errors import ConfigurationError
from liq.runtime.incremental_configs import set_topic_configs
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import add_partitions, alter_topics, ensure_topics
from liq.schemas.codec import encode
from tests.conftest import WAIT_SECONDS, MakeSettings, RunWorker, Worker
from tests.support.acl_kafka import AUDIT, AclKafka, allow, forbid, login_name, printed_acls
from tests.support.contract_server import ContractServer
from tests.support.drill_pages import command_lines
from tests.support.local_venues import sending
from tests.support.notify_rules import ENVIRONMENT, WHOLE
from tests.support.paths import CAPTURES
from tests.support.pipeline_log import run_offline
from tests.support.rights_used import (
    NOT_CALLED_FOR,
    Right,
    audit_name,
    take_rights_away_in_turn,
    until_raised,
    unused_rights,
)
from tests.support.sample_records import liquidation
from tests.support.sink_flow import send
from tests.support.topic_operations import delete_topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

CAPTURE: Final = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
RUNNING: Final = {
    "reference": ("reference",),
    "backfill": ("backfill",),
    "normalize": ("process", "normalize"),
    "detect": ("process", "detect"),
    "sink-clickhouse": ("sink", "clickhouse"),
    "notify": ("notify",),
    "serve": ("serve",),
    "produce": ("produce", "okx"),
}
LIVE: Final = "produce"
SIGNS: Final = ("detect", Operation.WRITE, "watch")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AclKafka]:
    directory = tmp_path_factory.mktemp("rights")
    with pytest.MonkeyPatch.context() as patched, Supervisor(directory / "logs") as supervisor:
        patched.setenv("JAVA_TOOL_OPTIONS", AUDIT)
        yield AclKafka(supervisor, directory, WORKERS)


@pytest.fixture
def settings(
    make_settings: MakeSettings, kafka: AclKafka, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Those of somebody who may do everything; every worker has the rights that are printed."""
    monkeypatch.setenv("EXCHANGES", "okx")
    for name, text in kafka.plain.items():
        monkeypatch.setenv(name, text)
    made = make_settings()

    async def allow_all() -> None:
        for worker in WORKERS:
            await allow(made, worker, worker_acls(made, worker))

    asyncio.run(allow_all())
    return made


def as_worker(kafka: AclKafka, settings: Settings, worker: str) -> Settings:
    """Return the settings with a worker's login."""
    login = {name.lower(): text for name, text in kafka.login(worker).items()}
    return load_settings(
        **login,
        topic_namespace=settings.topic_namespace,
        exchanges=settings.exchanges,
        topic_partitions=settings.topic_partitions,
        clickhouse_database=settings.clickhouse_database,
    )


def expect(settings: Settings, *command: str) -> None:
    done = run_offline(settings, *command)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def expect_in_the_end(settings: Settings, *command: str) -> None:
    """Run a command until it succeeds; on a crowded machine it may refuse at first."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (done := run_offline(settings, *command)).returncode != 0:
        if time.monotonic() > deadline:
            pytest.fail(f"{command}: {done.stdout.decode()}{done.stderr.decode()}")


@pytest.mark.usefixtures("clickhouse")
def test_with_the_rights_everything_works_and_every_right_is_used(
    kafka: AclKafka,
    settings: Settings,
    run_worker: RunWorker,
    tmp_path: Path,
) -> None:
    operator = as_worker(kafka, settings, "operator")
    for command in (("topics",), ("topics", "--apply"), ("migrate",)):
        expect(operator, *command)
    rules = tmp_path / "notify.yaml"
    rules.write_text(WHOLE)
    with ExitStack() as stack:
        exchange = stack.enter_context(LocalExchange(dialect("okx", "public")))
        stack.enter_context(sending([exchange]))
        contracts = stack.enter_context(ContractServer())
        environment = {**exchange.environment, **contracts.environment, **ENVIRONMENT}
        environment |= {"NOTIFY_RULES": str(rules)}
        workers: dict[str, Worker] = {}

        def start(worker: str) -> None:
            workers[worker] = run_worker(
                *RUNNING[worker],
                settings=as_worker(kafka, settings, worker),
                environment={**environment, "WEB_PORT": str(free_port())},
            )

        for worker in RUNNING:
            if worker != LIVE:
                start(worker)
        expect(as_worker(kafka, settings, "replay"), "replay", str(CAPTURE))
        # A live clock makes history of the recording, so its early signs come first.
        wait_for_rights(kafka, settings, {SIGNS})
        start(LIVE)
        expect(as_worker(kafka, settings, "reader"), "export", settings.topics.cascades)
        # A worker that is late, or detection behind, refuses to grow and passes for ill.
        expect_in_the_end(operator, "topics", "grow", "--to", "6")
        expect_in_the_end(operator, "doctor", "--skip", "venues")
        wait_for_rights(kafka, settings)
        ended = {name: worker.stop() for name, worker in workers.items()}
    denied = sorted(each for each in kafka.decisions() if not each.is_allowed)
    assert denied == []
    assert ended == dict.fromkeys(RUNNING, 0)


def wait_for_rights(
    kafka: AclKafka, settings: Settings, wanted: AbstractSet[Right] | None = None
) -> None:
    """Wait until rights were used, by default all that the run calls for; name the others."""
    deadline = time.monotonic() + WAIT_SECONDS
    while unused := sorted(
        each
        for each in unused_rights(settings, kafka.decisions())
        if (each in wanted if wanted is not None else each not in NOT_CALLED_FOR)
    ):
        if time.monotonic() > deadline:
            pytest.fail(f"rights that nothing has used: {unused}")
        time.sleep(1)


def test_each_worker_names_the_one_right_that_is_missing(
    kafka: AclKafka, settings: Settings
) -> None:
    asyncio.run(ensure_topics(settings, settings.exchanges))
    for worker in NEEDS:
        asyncio.run(take_rights_away_in_turn(settings, as_worker(kafka, settings, worker), worker))


def test_an_operator_is_told_which_right_is_missing(kafka: AclKafka, settings: Settings) -> None:
    operator = as_worker(kafka, settings, "operator")
    [everywhere, *_] = worker_acls(settings, "operator")
    events = settings.topics.events

    async def without(operation: Operation, attempt: Callable[[], Awaitable[object]]) -> None:
        one = replace(everywhere, operations=(operation,))
        await forbid(settings, "operator", one)
        said, deadline = "", time.monotonic() + WAIT_SECONDS
        while not said and time.monotonic() < deadline:  # the change is known within moments
            try:
                await attempt()
            except ConfigurationError as error:
                said = str(error)
        assert re.search(rf"right {audit_name(operation)} of KAFKA_SASL_USERNAME", said), said
        await allow(settings, "operator", [one])

    async def shorten_and_apply() -> None:
        await set_topic_configs(settings, "tests", {events: {"retention.ms": "1"}})
        await alter_topics(operator, settings.exchanges)

    async def one_more() -> None:
        partitions = await find_partitions(settings, [events])
        await add_partitions(operator, [events], len(partitions) + 1)

    async def make_one_again() -> None:
        await delete_topics(settings, settings.topics.pulse)
        await ensure_topics(operator, settings.exchanges)

    async def in_turn() -> None:
        await ensure_topics(settings, settings.exchanges)
        await without(Operation.ALTER_CONFIGS, shorten_and_apply)
        await without(Operation.ALTER, one_more)
        await without(Operation.CREATE, make_one_again)

    asyncio.run(in_turn())


def test_a_worker_without_a_right_ends_with_a_sentence_and_not_with_a_warning(
    kafka: AclKafka, settings: Settings, run_worker: RunWorker
) -> None:
    asyncio.run(ensure_topics(settings, settings.exchanges))
    reads = next(
        acl for acl in worker_acls(settings, "normalize") if acl.name == settings.topics.instruments
    )
    asyncio.run(forbid(settings, "normalize", reads))
    login = as_worker(kafka, settings, "normalize")
    asyncio.run(until_raised(login, "normalize", settings.exchanges, "Read on topic"))
    normalizer = run_worker("process", "normalize", settings=login, is_task=True)
    assert normalizer.wait() == EXIT_DEPENDENCY
    said = " ".join(normalizer.log.split())
    assert f"the right Read on topic {settings.topics.instruments};" in said
    assert "`liq rights kafka normalize`" in said


@pytest.mark.usefixtures("clickhouse")
@pytest.mark.parametrize("worker", ["detect", "sink-clickhouse"])
def test_a_worker_whose_right_is_taken_away_ends_with_a_sentence(
    kafka: AclKafka,
    settings: Settings,
    run_worker: RunWorker,
    wait_until: Callable[..., None],
    worker: str,
) -> None:
    assert run_worker("migrate", settings=settings, is_task=True).wait() == 0
    asyncio.run(ensure_topics(settings, settings.exchanges))
    login = as_worker(kafka, settings, worker)
    running = run_worker(*RUNNING[worker], settings=login, is_task=True)
    wait_until(lambda: answers_http(f"{running.health_url}/readyz"))
    [group] = [
        acl
        for acl in worker_acls(settings, worker)
        if acl.resource is Resource.GROUP and Operation.READ in acl.operations
    ]
    asyncio.run(forbid(settings, worker, group))
    assert running.wait() == EXIT_DEPENDENCY
    said = " ".join(running.log.split())
    assert f"the group {group.name};" in said
    assert "`liq rights kafka`" in said


@pytest.mark.usefixtures("clickhouse")
def test_a_login_is_replaced_by_another_while_records_come(
    kafka: AclKafka,
    settings: Settings,
    run_worker: RunWorker,
    wait_until: Callable[..., None],
) -> None:
    """Rotate the sink's login by the commands of docs/drills.md; some user is the new one."""
    topics, old, new = settings.topics, "sink-clickhouse", "sink-redis"
    rights, up, doctor = map(shlex.split, command_lines("Rotate a secret"))
    assert run_worker("migrate", settings=settings, is_task=True).wait() == 0
    asyncio.run(ensure_topics(settings, settings.exchanges))

    def send_events(numbers: range) -> None:
        values = [encode(liquidation(number)) for number in numbers]
        asyncio.run(send(settings, {topics.events: values}))

    def stored() -> int:
        counted = run_offline(
            settings, "sql", "--format", "csv", "SELECT count() FROM liquidations"
        )
        return int(counted.stdout.split()[-1])

    before = run_worker("sink", "clickhouse", settings=as_worker(kafka, settings, old))
    send_events(range(20))
    wait_until(lambda: stored() == 20)
    assert rights[-2] == "--principal"
    printed = run_offline(settings, *rights[1:-1], f"User:{login_name(new)}").stdout.decode()
    granted = printed_acls(printed, login_name(new))
    assert granted == worker_acls(settings, old)
    asyncio.run(allow(settings, new, granted))
    assert up == ["docker", "compose", "up", "--detach", "sink"]
    assert before.stop() == 0
    send_events(range(20, 30))
    after = run_worker("sink", "clickhouse", settings=as_worker(kafka, settings, new))
    for acl in worker_acls(settings, old):
        for operation in acl.operations:
            asyncio.run(forbid(settings, old, replace(acl, operations=(operation,))))
    send_events(range(30, 40))
    wait_until(lambda: stored() == 40)
    expect(as_worker(kafka, settings, "operator"), *doctor[1:])
    assert after.stop() == 0
