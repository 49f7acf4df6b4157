"""No secret is ever shown: not in logs at their loudest, metrics, health, or error sentences."""

import asyncio
import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from liq.devstack.clickhouse_server.servers import owner
from liq.devstack.options import StackOptions
from liq.devstack.progress import PipelineProgress
from liq.devstack.supervisor import Supervisor
from liq.devstack.warehouse import WarehouseAddress, choose_warehouse
from liq.runtime.logs import configure_logging, get_logger
from liq.runtime.settings import Settings
from tests.conftest import RunWorker, Worker
from tests.support.paths import CAPTURES
from tests.support.pipeline_log import run_offline
from tests.support.secure_kafka import PASSWORD as KAFKA_PASSWORD
from tests.support.secure_kafka import USER as KAFKA_USER
from tests.support.secure_kafka import SecureKafka

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("clickhouse"),
]

CAPTURE = str(CAPTURES / "2025-07-18_binance.jsonl.gz")
CLICKHOUSE_USER, CLICKHOUSE_PASSWORD = "loader", "warehouse: key & 7Qd"
WRONG_PASSWORD = "a typo that is nearly-the-password"
PROXY_PASSWORD = "proxy-key-58tz"
TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WaitUntil = Callable[..., None]


def shown_secrets(text: str) -> list[str]:
    """The secrets that a text gives away, plain or in the codings of URLs and HTTP headers."""
    text = TERMINAL_COLOUR.sub("", text)
    users = {
        KAFKA_PASSWORD: KAFKA_USER,
        CLICKHOUSE_PASSWORD: CLICKHOUSE_USER,
        WRONG_PASSWORD: CLICKHOUSE_USER,
        PROXY_PASSWORD: "proxy-user",
    }
    return [
        secret
        for secret, user in users.items()
        if any(
            form in text
            for form in (
                secret,
                quote(secret),
                quote(secret, safe=""),
                base64.b64encode(f"{user}:{secret}".encode()).decode(),
                base64.b64encode(secret.encode()).decode(),
            )
        )
    ]


def test_the_search_finds_every_coding() -> None:
    login = base64.b64encode(f"{CLICKHOUSE_USER}:{CLICKHOUSE_PASSWORD}".encode()).decode()
    assert shown_secrets(f"Authorization: Basic {login}") == [CLICKHOUSE_PASSWORD]
    assert shown_secrets(f"http://x:{quote(KAFKA_PASSWORD)}@host") == [KAFKA_PASSWORD]
    assert shown_secrets(f"\x1b[32m{KAFKA_PASSWORD[:9]}\x1b[0m{KAFKA_PASSWORD[9:]}") == [
        KAFKA_PASSWORD
    ]
    assert shown_secrets("nothing") == []


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    directory = tmp_path_factory.mktemp("secure")
    with Supervisor(directory / "logs") as supervisor:
        yield SecureKafka(supervisor, directory)


@pytest.fixture(scope="module")
def clickhouse(
    stack_options: StackOptions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WarehouseAddress]:
    """Instead of the session's ClickHouse: one with this login."""
    own = {"embedded_data_dir": tmp_path_factory.mktemp("clickhouse"), "clickhouse_url": ""}
    options = stack_options.model_copy(update=own)
    user = replace(owner(CLICKHOUSE_PASSWORD), name=CLICKHOUSE_USER)
    with Supervisor(options.embedded_data_dir / "logs") as supervisor:
        yield choose_warehouse(options, supervisor, user=user).start()


@pytest.fixture
def settings(
    kafka: SecureKafka,
    make_settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    for name, text in {**kafka.login(), "LOG_LEVEL": "DEBUG"}.items():
        monkeypatch.setenv(name, text)
    return make_settings()


def with_secrets(settings: Settings, **changes: str) -> Settings:
    secret = type(settings.kafka_sasl_password)
    return settings.model_copy(update={name: secret(text) for name, text in changes.items()})


def told_by(settings: Settings, *arguments: str) -> str:
    done = run_offline(settings, *arguments)
    return done.stdout.decode() + done.stderr.decode()


def served_by(worker: Worker) -> str:
    answers = []
    for path in ("metrics", "healthz", "readyz", "nowhere"):
        try:
            with urlopen(f"{worker.health_url}/{path}") as answer:
                answers.append(answer.read().decode())
        except HTTPError as refused:
            answers.append(refused.read().decode())
    return "".join(answers)


def is_done(settings: Settings) -> bool:
    async def ask() -> bool:
        topics = settings.topics
        async with PipelineProgress(settings) as progress:
            return (
                await progress.held([topics.events]) > 0
                and await progress.lag("normalize", [topics.raw("binance")]) == 0
                and await progress.lag("sink-clickhouse", [topics.events]) == 0
            )

    return asyncio.run(ask())


def test_a_pipeline_that_works_shows_no_secret(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    commands = (("config",), ("topics",), ("migrate",), ("replay", CAPTURE))
    told = [told_by(settings, *command) for command in commands]
    workers = [
        run_worker("process", "normalize", settings=settings),
        run_worker("process", "detect", settings=settings),
        run_worker("sink", "clickhouse", settings=settings),
    ]
    wait_until(lambda: is_done(settings))
    told += [served_by(worker) for worker in workers]
    assert [worker.stop() for worker in workers] == [0, 0, 0]
    told += [worker.log for worker in workers]
    told += [told_by(settings, *command) for command in (("sql", "SELECT 1"), ("report",))]
    assert all(told), "every one of them said something"
    assert "KAFKA_SASL_PASSWORD" in told[0]
    assert "********" in told[0]
    assert "DEBUG" in told[0]
    assert shown_secrets("".join(told)) == []


def test_a_pipeline_that_is_refused_shows_no_secret(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    told = [told_by(settings, "topics"), told_by(settings, "migrate")]
    no_kafka = with_secrets(settings, kafka_sasl_password=WRONG_PASSWORD)
    commands = (
        ("topics",),
        ("replay", CAPTURE),
        ("process", "normalize"),
        ("sink", "clickhouse"),
        ("export", settings.topics.events),
    )
    told += [told_by(no_kafka, *command) for command in commands]
    no_clickhouse = with_secrets(settings, clickhouse_password=WRONG_PASSWORD)
    told += [told_by(no_clickhouse, *command) for command in (("migrate",), ("sql", "SELECT 1"))]
    sink = run_worker("sink", "clickhouse", settings=no_clickhouse, is_task=True)
    wait_until(lambda: "clickhouse_failed" in sink.log)
    told.append(served_by(sink))
    sink.stop()
    told.append(sink.log)
    assert all(told), "every one of them said something"
    assert shown_secrets("".join(told)) == []


MISPLACED = [
    ("CLICKHOUSE_URL", f"http://loader:{quote(CLICKHOUSE_PASSWORD)}@127.0.0.1:8123"),
    ("CLICKHOUSE_URL", f"http://127.0.0.1:8123/?password={quote(CLICKHOUSE_PASSWORD)}"),
    ("CLICKHOUSE_URL", f"ftp://loader:{quote(CLICKHOUSE_PASSWORD)}@127.0.0.1"),
    ("KAFKA_BOOTSTRAP_SERVERS", f"{KAFKA_USER}:{quote(KAFKA_PASSWORD)}@127.0.0.1:9092"),
    ("KAFKA_BOOTSTRAP_SERVERS", f"kafka://{quote(KAFKA_PASSWORD)}@127.0.0.1:9092"),
    ("KAFKA_SASL_MECHANISM", KAFKA_PASSWORD),
]


@pytest.mark.parametrize(("name", "value"), MISPLACED)
def test_a_secret_in_the_wrong_setting_is_refused_and_not_repeated(
    name: str, value: str, make_settings: Callable[..., Settings], run_worker: RunWorker
) -> None:
    wrong = {name: value}
    refused = run_worker("config", settings=make_settings(), environment=wrong, is_task=True)
    assert refused.wait() == 78
    assert name in refused.log
    assert shown_secrets(refused.log) == []


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_in_the_log_shows_no_variables(
    log_format: str,
    make_settings: Callable[..., Settings],
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(make_settings().model_copy(update={"log_format": log_format}))

    def connect(password: str) -> None:
        raise ConnectionError(f"refused after {len(password)} characters")

    try:
        connect(KAFKA_PASSWORD)
    except ConnectionError as error:
        get_logger("test").error("failed", exc_info=error)
    told = capsys.readouterr().err
    assert "refused after" in told
    assert shown_secrets(told) == []


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize(
    "proxy",
    [f"http://proxy-user:{PROXY_PASSWORD}@127.0.0.1:9", f"gopher://u:{PROXY_PASSWORD}@127.0.0.1"],
)
def test_a_producer_behind_a_proxy_does_not_show_its_password(
    proxy: str, make_settings: Callable[..., Settings], run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    settings = make_settings().model_copy(update={"log_level": "DEBUG"})
    names = ("http_proxy", "https_proxy", "all_proxy", "wss_proxy", "ws_proxy")
    environment = {name.upper(): proxy for name in names} | dict.fromkeys(names, proxy)
    producer = run_worker(
        "produce", "binance", settings=settings, environment=environment, is_task=True
    )
    wait_until(lambda: '"feed_lost"' in producer.log)
    told = served_by(producer)
    producer.stop()
    feeds = told_by(settings, "export", settings.topics.feeds)
    assert "cannot connect" in feeds
    assert shown_secrets(told + producer.log + feeds) == []
