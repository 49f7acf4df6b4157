"""ClickHouse's user and password: without them nothing is stored and no offset moves."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from liq.devstack.clickhouse_server.servers import owner
from liq.devstack.options import StackOptions
from liq.devstack.progress import PipelineProgress
from liq.devstack.supervisor import Supervisor
from liq.devstack.warehouse import WarehouseAddress, choose_warehouse
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from tests.conftest import RunWorker, Worker
from tests.support.pipeline_log import run_offline
from tests.support.sample_records import liquidation
from tests.support.sink_flow import send

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker", "clickhouse")]

USER, PASSWORD = "loader", "p@ss:word/with?everything&more"
LOADER = replace(owner(PASSWORD), name=USER)
EVENTS = 40
WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def clickhouse(
    stack_options: StackOptions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WarehouseAddress]:
    """Instead of the session's ClickHouse: one with this login."""
    own = {"embedded_data_dir": tmp_path_factory.mktemp("clickhouse"), "clickhouse_url": ""}
    options = stack_options.model_copy(update=own)
    with Supervisor(options.embedded_data_dir / "logs") as supervisor:
        yield choose_warehouse(options, supervisor, user=LOADER).start()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", "binance")
    return make_settings()


def with_login(settings: Settings, user: str, password: str) -> Settings:
    secret = type(settings.clickhouse_password)(password)
    # Readers would have a login of their own.
    login = {"clickhouse_user": user, "clickhouse_password": secret, "clickhouse_reader_user": ""}
    return settings.model_copy(update=login)


def committed(settings: Settings) -> int:
    async def ask() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.handled("sink-clickhouse", [settings.topics.events])

    return asyncio.run(ask())


def readiness(worker: Worker) -> str:
    try:
        with urlopen(f"{worker.health_url}/readyz") as answer:
            return str(answer.read().decode())
    except HTTPError as refused:
        return str(refused.read().decode())


WRONG_LOGINS = [(USER, "wrong"), (USER, ""), ("default", PASSWORD)]


@pytest.mark.parametrize(("user", "password"), WRONG_LOGINS)
@pytest.mark.slow
def test_a_sink_with_a_wrong_login_says_so_and_moves_no_offset(
    user: str,
    password: str,
    settings: Settings,
    run_worker: RunWorker,
    wait_until: WaitUntil,
) -> None:
    asyncio.run(ensure_topics(settings, ("binance",)))
    assert run_offline(settings, "migrate").returncode == 0
    values = [encode(liquidation(number)) for number in range(EVENTS)]
    asyncio.run(send(settings, {settings.topics.events: values}))

    refused = run_worker(
        "sink", "clickhouse", settings=with_login(settings, user, password), is_task=True
    )
    wait_until(lambda: '"attempt": 3' in refused.log)
    told = readiness(refused)
    assert '"ready":false' in told
    # 194 where the user is `default`.
    assert "code: 516" in told or "code: 194" in told
    assert "Authentication failed" in told
    assert committed(settings) == 0
    assert refused.stop() == 0
    assert committed(settings) == 0
    assert PASSWORD not in refused.log

    run_worker("sink", "clickhouse", settings=settings)
    wait_until(lambda: committed(settings) == EVENTS)
    counted = run_offline(settings, "sql", "--format", "csv", "SELECT count() FROM liquidations")
    assert counted.stdout.split() == [b'"count()"', b"%d" % EVENTS]


@pytest.mark.parametrize("command", [("migrate",), ("sql", "SELECT 1"), ("report",)], ids=" ".join)
def test_a_wrong_password_ends_a_command_with_what_to_check(
    command: tuple[str, ...], settings: Settings
) -> None:
    refused = run_offline(with_login(settings, USER, "wrong"), *command)
    told = refused.stderr.decode()
    assert refused.returncode == 69, told
    assert "Authentication failed" in told
    assert "CLICKHOUSE_PASSWORD" in told
    assert "Traceback" not in told
