"""The loader while a real server fails: no offset moves, no row is lost, and it says why."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import pytest
from clickhouse_connect.driver.client import Client

from liq.devstack.warehouse import WarehouseAddress
from liq.runtime.metrics import SINK_BREAKER, SINK_RETRIES, SINK_ROWS
from liq.runtime.retry import BreakerState
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.vocabulary import AlertType
from liq.sinks.clickhouse import client as client_module
from tests.support import sample_records
from tests.support.clickhouse_server import Server, needs_server
from tests.support.clickhouse_sink import (
    alert,
    committed,
    committed_total,
    count,
    eventually,
    liquidation,
    publish,
    running_sink,
)
from tests.support.request_proxy import Spoil

pytestmark = [
    pytest.mark.integration,
    needs_server,
    pytest.mark.usefixtures("broker", "clickhouse"),
]

EVENTS = 400

Fault = Callable[[Server, Client], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("clickhouse")) as started:
        yield started


@pytest.fixture(scope="module")
def clickhouse(server: Server) -> WarehouseAddress:
    """Instead of the session's ClickHouse: one that may fail."""
    return WarehouseAddress(server.url, server.environment)


@pytest.fixture(autouse=True)
def _whole_afterwards(server: Server) -> Iterator[None]:
    yield
    server.proxy.lift()


@pytest.fixture
def impatient_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients whose server counts as gone after a second of silence."""
    defaults = client_module.connect.__kwdefaults__
    assert defaults is not None
    assert "answer_timeout_seconds" in defaults
    monkeypatch.setitem(defaults, "answer_timeout_seconds", 1)


def on_the_way(spoil: Spoil) -> Fault:
    """Return what a network or a load balancer does to inserts."""

    @contextmanager
    def fault(server: Server, _database: Client) -> Iterator[None]:
        server.proxy.order(spoil)
        yield
        server.proxy.lift()

    return fault


def user_settings(**settings: str) -> Fault:
    """Return a server that its operator restarts with other settings of the user."""
    return lambda server, _database: server.restarted(**settings)


@contextmanager
def too_many_parts(_server: Server, database: Client) -> Iterator[None]:
    """Let a server refuse a part beside the one that is there."""
    database.command("SYSTEM STOP MERGES liquidations")
    database.command(
        "INSERT INTO liquidations (timestamp, received_at, event_id) "
        "VALUES (fromUnixTimestamp64Milli(1783500000000), now(), 'one')"
    )
    database.command("ALTER TABLE liquidations MODIFY SETTING parts_to_throw_insert = 1")
    yield
    database.command("ALTER TABLE liquidations RESET SETTING parts_to_throw_insert")
    database.command("SYSTEM START MERGES liquidations")
    database.command("DELETE FROM liquidations WHERE event_id = 'one'")


@contextmanager
def no_table(_server: Server, database: Client) -> Iterator[None]:
    database.command("RENAME TABLE liquidations TO elsewhere")
    yield
    database.command("RENAME TABLE elsewhere TO liquidations")


REFUSALS: dict[str, Fault] = {
    "code: 252": too_many_parts,
    "code: 60": no_table,
    "code: 241": user_settings(max_memory_usage="1", max_untracked_memory="0"),
    "code: 159": user_settings(max_execution_time="0.0001"),
    "code: 164": user_settings(readonly="2"),
    "code: 516": user_settings(password="another"),
}
MISHAPS: dict[Spoil, str] = {
    Spoil.REFUSE_503: "503",
    Spoil.REFUSE_429: "429",
    Spoil.REFUSE_404: "404",
    Spoil.CUT_BEFORE: "cannot be reached",
    Spoil.CUT_WITHIN: "cannot be reached",
    Spoil.CUT_AFTER: "cannot be reached",
    Spoil.LOSE: "cannot be reached",
    Spoil.LOSE_ANSWER: "cannot be reached",
}


async def test_refusals_of_the_server_move_no_offset_and_lose_no_row(
    settings: Settings, database: Client, server: Server
) -> None:
    await survive(settings, database, server, [(each, reason) for reason, each in REFUSALS.items()])


@pytest.mark.usefixtures("impatient_client")
async def test_mishaps_on_the_way_move_no_offset_and_lose_no_row(
    settings: Settings, database: Client, server: Server
) -> None:
    faults = [(on_the_way(spoil), reason) for spoil, reason in MISHAPS.items()]
    await survive(settings, database, server, faults)


async def survive(
    settings: Settings, database: Client, server: Server, faults: Sequence[tuple[Fault, str]]
) -> None:
    """Let a sink work through faults, one after the other, and say the reason of each."""
    async with running_sink(settings) as health:
        condition = health.conditions

        async def is_connected() -> bool:
            return condition["clickhouse"].holds

        async def is_ready() -> bool:
            return health.ready

        await eventually(is_connected)
        for number, (fault, reason) in enumerate(faults):
            before = await committed(settings)
            events = [encode(liquidation(number * EVENTS + each)) for each in range(EVENTS)]

            async def says_why(reason: str = reason) -> bool:
                return (
                    not condition["clickhouse"].holds and reason in condition["clickhouse"].reason
                )

            async def all_committed(total: int = (number + 1) * EVENTS) -> bool:
                return await committed_total(settings) == total

            with fault(server, database):
                await publish(settings, settings.topics.events, events)
                await eventually(says_why)
                assert not health.ready
                assert breaker_states() in ({"open"}, {"half_open"})
                assert await committed(settings) == before
            await eventually(all_committed)
            await eventually(is_ready)
            assert breaker_states() == {"closed"}
    assert count(database, "liquidations") == EVENTS * len(faults)


def breaker_states() -> set[str]:
    return {state for state in BreakerState if SINK_BREAKER.labels(state)._value.get() == 1}


async def test_an_answer_that_is_lost_is_repeated_by_us_and_counted(
    settings: Settings, database: Client, server: Server
) -> None:
    """The client by itself would send the rows again without a word."""
    retries = SINK_RETRIES.labels("unreachable")._value
    retries_before = retries.get()
    server.proxy.order(Spoil.CUT_AFTER, times=1)
    await publish(settings, settings.topics.events, [encode(liquidation(n)) for n in range(50)])
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == 50

        await eventually(all_committed)
    assert retries.get() - retries_before == 1
    assert count(database, "liquidations") == 50


STORED_ROWS = {"liquidations": 8, "cascades": 2, "feeds": 1}


@pytest.mark.parametrize("failing", STORED_ROWS)
@pytest.mark.usefixtures("database")
async def test_a_retry_goes_on_with_the_table_that_failed(
    make_settings: Callable[..., Settings], server: Server, failing: str
) -> None:
    """The other tables of the batch are not stored a second time."""
    settings = make_settings(sink_batch_seconds=1)
    topics = settings.topics
    rows_before = {table: SINK_ROWS.labels(table)._value.get() for table in STORED_ROWS}
    server.proxy.order(Spoil.REFUSE_503, times=3, table=failing)
    await publish(settings, topics.events, [encode(liquidation(n)) for n in range(8)])
    await publish(settings, topics.cascades, [encode(alert(n, AlertType.DETECTED)) for n in (0, 1)])
    await publish(settings, topics.feeds, [encode(sample_records.feed_status(5_000))])
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == sum(STORED_ROWS.values())

        await eventually(all_committed)
    for table, rows in STORED_ROWS.items():
        assert SINK_ROWS.labels(table)._value.get() - rows_before[table] == rows


async def test_a_stop_while_clickhouse_is_away_leaves_the_rest_to_the_next_run(
    settings: Settings, database: Client, server: Server
) -> None:
    events = [encode(liquidation(number)) for number in range(300)]
    await publish(settings, settings.topics.events, events)
    server.proxy.order(Spoil.REFUSE_503)
    async with running_sink(settings) as health:

        async def is_in_trouble() -> bool:
            return "503" in health.conditions["clickhouse"].reason

        await eventually(is_in_trouble)
    assert await committed(settings) == {}
    server.proxy.lift()
    async with running_sink(settings):

        async def all_committed() -> bool:
            return await committed_total(settings) == len(events)

        await eventually(all_committed)
    assert count(database, "liquidations") == len(events)
