"""The documented reader on a real server: it reads, and harms nothing, whatever it asks."""

import re
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from xml.etree import ElementTree as ET

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from liq.devstack.clickhouse_server.configuration import users_xml
from liq.devstack.clickhouse_server.servers import ClickHouseServers, ServerOptions, owner, reader
from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Supervisor
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate
from tests.conftest import worker_environment
from tests.support.clickhouse_server import needs_server
from tests.support.paths import DOCS
from tests.support.pipeline_log import run_offline

pytestmark = [pytest.mark.integration, needs_server]

WaitUntil = Callable[[Callable[[], bool]], None]
OWNER, READER = owner(), reader()
REFUSED = 65


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServers]:
    directory = tmp_path_factory.mktemp("reader")
    with Supervisor(directory / "logs") as supervisor:
        started = ClickHouseServers(supervisor, directory, ServerOptions(users=(OWNER, READER)))
        started.start()
        yield started


@pytest.fixture
def settings(make_settings: Callable[..., Settings], servers: ClickHouseServers) -> Settings:
    return make_settings(
        clickhouse_url=servers.nodes[0].url,
        clickhouse_user=OWNER.name,
        clickhouse_password=OWNER.password,
        clickhouse_reader_user=READER.name,
        clickhouse_reader_password=READER.password,
    )


@pytest.fixture
def database(settings: Settings) -> Iterator[Client]:
    """The owner's client; the database holds one liquidation."""
    with closing(connect(settings, use_database=False)) as client:
        migrate(client, settings.clickhouse_database)
        client.database = settings.clickhouse_database
        client.command(
            "INSERT INTO liquidations (timestamp, exchange, symbol, side, value_usd, event_id)"
            " VALUES ('2026-07-10 10:00:00', 'x', 'y', 'LONG', 1, 'a')"
        )
        yield client
        client.command(f"DROP DATABASE {settings.clickhouse_database}")


def code_of(settings: Settings, sql: str) -> int | None:
    with (
        closing(connect(settings, as_reader=True)) as client,
        pytest.raises(DatabaseError) as refused,
    ):
        client.query(sql)
    return refused.value.code


def asked(settings: Settings, *arguments: str) -> tuple[int, str]:
    done = run_offline(settings, "sql", "--format", "csv", *arguments)
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.usefixtures("database")
def test_a_reader_reads_views_and_its_own_name(settings: Settings) -> None:
    code, said = asked(settings, "SELECT currentUser(), sum(value_usd) FROM liquidation_minutes")
    assert (code, said.splitlines()[1]) == (0, '"liq_reader",1')


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM s3('http://127.0.0.1:1/bucket/key.csv', 'CSV', 'a String')",
        "SELECT * FROM remote('127.0.0.1:1', system.one)",
        "SELECT * FROM executable('x.sh', 'TSV', 'a String', (SELECT 1))",
        "SELECT * FROM mysql('h:1', 'd', 't', 'u', 'p')",
        "CREATE TEMPORARY TABLE t (a Int8)",
        "INSERT INTO liquidations (exchange) VALUES ('x')",
        "TRUNCATE TABLE liquidations",
        "SELECT 1 SETTINGS readonly = 0",
    ],
)
@pytest.mark.usefixtures("database")
def test_the_server_itself_refuses_what_reaches_outside_or_changes_something(
    settings: Settings, sql: str
) -> None:
    assert code_of(settings, sql) in {164, 497}


@pytest.mark.parametrize("name", ["max_execution_time", "max_result_rows", "max_memory_usage"])
@pytest.mark.usefixtures("database")
def test_no_query_of_the_reader_lifts_a_limit(settings: Settings, name: str) -> None:
    for value in ("0", "1000000000000"):
        assert code_of(settings, f"SELECT 1 SETTINGS {name} = {value}") == 452


@pytest.mark.usefixtures("database")
def test_limits_that_are_asked_for_count_within_those_of_the_server(settings: Settings) -> None:
    rows = "SELECT number FROM numbers(20)"
    assert asked(settings, "--max-rows", "20", rows)[0] == 0
    code, said = asked(settings, "--max-rows", "19", rows)
    assert (code, "code 396" in said) == (REFUSED, True)
    code, said = asked(settings, "--max-seconds", "601", rows)
    assert (code, "shouldn't be greater than 600" in said) == (REFUSED, True)


def heed_interrupts() -> None:
    """Undo what a shell does to jobs in the background: they ignore SIGINT, and so do theirs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("as_reader", [True, False])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_question_ends_when_its_asker_does(
    settings: Settings,
    database: Client,
    wait_until: WaitUntil,
    as_reader: bool,  # noqa: FBT001 - a parameter of the test
    how: signal.Signals,
) -> None:
    mark = secrets.token_hex(8)
    environment = worker_environment(settings)
    if not as_reader:
        environment["CLICKHOUSE_READER_USER"] = ""
    question = f"SELECT sum(sipHash64(number, '{mark}')) FROM numbers(1e13)"  # noqa: S608

    def running() -> bool:
        [(count,)] = database.query(
            "SELECT count() FROM system.processes WHERE query LIKE {mark:String}"
            " AND query NOT LIKE '%system.processes%'",
            parameters={"mark": f"%{mark}%"},
        ).result_rows
        return bool(count)

    asker = subprocess.Popen(
        liq_command("sql", "--max-seconds", "600", question),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - this process has no threads that hold locks
    )
    try:
        wait_until(running)
        asker.send_signal(how)
        asker.wait(timeout=60)
        wait_until(lambda: not running())
    finally:
        asker.kill()


def profile_of(root: ET.Element, name: str) -> dict[str, str]:
    """Every setting and constraint of a profile, by its path."""
    profile = root.find(f"profiles/{name}")
    assert profile is not None
    found = {each.tag: each.text or "" for each in profile if each.tag != "constraints"}
    for setting in profile.iterfind("constraints/*"):
        found |= {f"{setting.tag} {bound.tag}": bound.text or "" for bound in setting}
    return found


def test_the_documented_reader_is_the_one_that_is_tested() -> None:
    text = (DOCS / "clickhouse.md").read_text()
    [block] = re.findall(r"```xml\n(.*?)```", text, re.DOTALL)
    documented = ET.fromstring(block)  # noqa: S314 - our own page
    tested = users_xml([READER])
    assert profile_of(documented, "liq_reading") == profile_of(tested, "of_liq_reader")
    for line in (
        "readonly = 2 CONST",
        "max_execution_time = 60 MIN 1 MAX 600",
        "max_result_rows = 1000000 MIN 1 MAX 100000000",
        "max_memory_usage = 4000000000 MIN 1 MAX 4000000000",
        "cancel_http_readonly_queries_on_client_close = 1 CONST",
    ):
        assert line in text
