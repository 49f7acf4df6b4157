"""SASL and TLS to a real Apache Kafka, with certificates made on the spot."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator

import pytest

from liq.devstack.progress import PipelineProgress
from liq.devstack.supervisor import Supervisor
from liq.devstack.warehouse import WarehouseAddress
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from tests.conftest import RunWorker
from tests.support.paths import CAPTURES
from tests.support.pipeline_log import run_offline, values
from tests.support.secure_kafka import USER, SecureKafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CAPTURE = CAPTURES / "2025-07-18_binance.jsonl.gz"
EVENTS = 790
WaitUntil = Callable[..., None]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    directory = tmp_path_factory.mktemp("secure")
    with Supervisor(directory / "logs") as supervisor:
        yield SecureKafka(supervisor, directory)


@pytest.fixture
def settings_of(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str]], Settings]:
    """Settings of the test's own names with this environment."""

    def made(environment: dict[str, str]) -> Settings:
        for name, text in environment.items():
            monkeypatch.setenv(name, text)
        return make_settings()

    return made


SettingsOf = Callable[[dict[str, str]], Settings]


def is_done(settings: Settings) -> bool:
    async def ask() -> bool:
        topics = settings.topics
        async with PipelineProgress(settings) as progress:
            return (
                await progress.held([topics.raw("binance")]) > 0
                and await progress.lag("normalize", [topics.raw("binance")]) == 0
                and await progress.lag("detect", [topics.events, topics.pulse]) == 0
                and await progress.lag("sink-clickhouse", [topics.events, topics.cascades]) == 0
            )

    return asyncio.run(ask())


def expect_refusal(refused: subprocess.CompletedProcess[bytes], *words: str, code: int = 78) -> str:
    told = refused.stderr.decode()
    assert refused.returncode == code, told
    for word in words:
        assert word in told
    assert "Traceback" not in told
    return told


@pytest.mark.usefixtures("clickhouse")
def test_the_whole_pipeline_logs_in_over_tls(
    kafka: SecureKafka,
    settings_of: SettingsOf,
    run_worker: RunWorker,
    wait_until: WaitUntil,
    clickhouse: WarehouseAddress,
) -> None:
    settings = settings_of(kafka.login())
    for command in (("topics",), ("migrate",)):
        done = run_offline(settings, *command)
        assert done.returncode == 0, done.stderr
    workers = [
        run_worker("process", "normalize", settings=settings),
        run_worker("process", "detect", settings=settings),
        run_worker("sink", "clickhouse", settings=settings),
    ]
    played = run_offline(settings, "replay", str(CAPTURE))
    assert played.returncode == 0, played.stderr
    wait_until(lambda: is_done(settings))
    assert len(values(settings, settings.topics.events)) == EVENTS
    counted = run_offline(settings, "sql", "--format", "csv", "SELECT count() FROM liquidations")
    assert counted.stdout.split() == [b'"count()"', b"%d" % EVENTS], clickhouse.url
    assert [worker.stop() for worker in workers] == [0, 0, 0]


def test_a_client_certificate_is_a_login(kafka: SecureKafka, settings_of: SettingsOf) -> None:
    assert run_offline(settings_of(kafka.mutual(kafka.client)), "topics").returncode == 0


def test_a_strangers_client_certificate_is_refused(
    kafka: SecureKafka, settings_of: SettingsOf
) -> None:
    settings = settings_of(kafka.mutual(kafka.stranger.sign("client")))
    expect_refusal(run_offline(settings, "topics"), "KAFKA_SSL_CERTFILE", code=69)


COMMANDS = (
    ("topics",),
    ("produce", "binance"),
    ("replay", str(CAPTURE)),
    ("process", "normalize"),
    ("process", "detect"),
    ("sink", "clickhouse"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_wrong_password_ends_with_what_to_check(
    command: tuple[str, ...], kafka: SecureKafka, settings_of: SettingsOf
) -> None:
    wrong = "incorrect mule"
    settings = settings_of(kafka.login(KAFKA_SASL_PASSWORD=wrong))
    told = expect_refusal(run_offline(settings, *command), USER, "KAFKA_SASL_PASSWORD")
    assert wrong not in told


def test_an_unknown_user_ends_like_a_wrong_password(
    kafka: SecureKafka, settings_of: SettingsOf
) -> None:
    settings = settings_of(kafka.login(KAFKA_SASL_USERNAME="nobody"))
    expect_refusal(run_offline(settings, "topics"), "nobody", "KAFKA_SASL_USERNAME")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_certificate_of_a_stranger_is_not_trusted(
    command: tuple[str, ...], kafka: SecureKafka, settings_of: SettingsOf
) -> None:
    settings = settings_of(kafka.login(KAFKA_SSL_CAFILE=str(kafka.stranger.file)))
    expect_refusal(run_offline(settings, *command), "is not trusted", "KAFKA_SSL_CAFILE")


def test_a_broker_under_another_name_is_not_trusted(
    kafka: SecureKafka, settings_of: SettingsOf
) -> None:
    servers = kafka.login()["KAFKA_BOOTSTRAP_SERVERS"].replace("127.0.0.1", "localhost")
    settings = settings_of(kafka.login(KAFKA_BOOTSTRAP_SERVERS=servers))
    expect_refusal(run_offline(settings, "topics"), "is not trusted", "KAFKA_BOOTSTRAP_SERVERS")


def test_a_mechanism_that_is_not_offered_is_named(
    kafka: SecureKafka, settings_of: SettingsOf
) -> None:
    settings = settings_of(kafka.login(KAFKA_SASL_MECHANISM="PLAIN"))
    expect_refusal(run_offline(settings, "topics"), "PLAIN", "KAFKA_SASL_MECHANISM")


def test_a_missing_ca_file_is_named(kafka: SecureKafka, settings_of: SettingsOf) -> None:
    settings = settings_of(kafka.login(KAFKA_SSL_CAFILE="/nowhere/ca.pem"))
    expect_refusal(run_offline(settings, "topics"), "KAFKA_SSL_CAFILE")


def test_no_record_travels_without_tls_to_a_port_that_asks_for_it(
    kafka: SecureKafka, settings_of: SettingsOf
) -> None:
    settings = settings_of(kafka.login(KAFKA_SECURITY_PROTOCOL="PLAINTEXT"))
    expect_refusal(run_offline(settings, "topics"), "KAFKA_SECURITY_PROTOCOL=PLAINTEXT", code=69)


async def test_the_reason_is_an_error_of_configuration(
    kafka: SecureKafka, settings_of: SettingsOf
) -> None:
    settings = settings_of(kafka.login(KAFKA_SASL_PASSWORD="other"))
    with pytest.raises(ConfigurationError, match="KAFKA_SASL_PASSWORD"):
        await ensure_topics(settings, ("binance",))
