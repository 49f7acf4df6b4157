"""The examples of other services, each in a clean environment with only what it names.

They run on Apache Kafka: docs/brokers.md says which of them the embedded broker serves.
"""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from liq.devstack.broker import Broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas import CascadeAlert, decode
from liq.schemas.cloud_events import alert_headers
from tests.support.npm import node_packages
from tests.support.paths import DOCS, EXAMPLES, ROOT
from tests.support.virtual_environment import VirtualEnvironment

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(1_500),
    pytest.mark.usefixtures("broker"),
]

FOLDER = DOCS / "examples"
STORED = sorted(EXAMPLES.glob("CascadeAlert.*.json"))
BUILD_SECONDS = 1_200
END_SECONDS = 60
BUILDERS = ("hatchling", "pathspec", "pluggy", "trove_classifiers")
COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
Command = Sequence[str | Path]


@pytest.fixture
def settings(make_settings: Callable[..., Settings], chosen_broker: Broker) -> Settings:
    if not isinstance(chosen_broker, ApacheKafka):
        pytest.skip("runs clients of other languages on Apache Kafka: set KAFKA=apache")
    made = make_settings()
    asyncio.run(publish(made))
    return made


async def publish(settings: Settings) -> None:
    """Publish every stored alert twice, as the detector publishes, and a last one."""
    await ensure_topics(settings, ())
    producer = new_producer(
        settings, "test", compression=settings.topics.compression(settings.topics.cascades)
    )
    await producer.start()
    for path in [*STORED, *STORED]:
        alert = decode(CascadeAlert, path.read_bytes())
        await producer.send_and_wait(
            settings.topics.cascades,
            path.read_bytes().strip(),
            key=alert.cascade_id.encode(),
            headers=alert_headers(alert),
        )
    await producer.stop()


def expected_lines() -> list[str]:
    alerts = {
        alert.alert_id: " ".join(
            (alert.type, alert.asset, alert.side, f"{alert.total_value_usd:f}", alert.level)
        )
        for alert in (decode(CascadeAlert, path.read_bytes()) for path in STORED)
    }
    return sorted(" ".join(line.split()) for line in alerts.values())


def lines_of(process: "subprocess.Popen[str]", count: int) -> Iterator[str]:
    assert process.stdout is not None
    for _ in range(count):
        yield " ".join(process.stdout.readline().split())


def expect_every_alert_once(settings: Settings, command: Command, folder: Path) -> None:
    """Run an example until it has printed every alert; it ends by SIGTERM."""
    expected = expected_lines()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "ALERTS_TOPIC": settings.topics.cascades,
            "STATUS_TOPIC": settings.topics.status,
        },
    )
    try:
        assert sorted(lines_of(process, len(expected))) == expected
        process.send_signal(signal.SIGTERM)
        process.wait(END_SECONDS)
        assert process.stdout is not None
        assert process.stdout.read() == ""  # no alert twice
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("name", "package"),
    [("node-kafkajs", "kafkajs@2.2.4"), ("node-platformatic", "@platformatic/kafka@1.35.0")],
)
def test_node(settings: Settings, tmp_path: Path, name: str, package: str) -> None:
    packages = node_packages(package)
    folder = tmp_path / name
    shutil.copytree(FOLDER / name, folder)
    wanted, _, version = package.rpartition("@")
    assert f'"{wanted}": "{version}"' in (folder / "package.json").read_text()
    (folder / "node_modules").symlink_to(packages / "node_modules")
    expect_every_alert_once(settings, ("node", "alerts.js"), folder)


def test_java(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "java"
    shutil.copytree(FOLDER / "java", folder)
    maven = needed("mvn", "needs Java 17 and Maven")
    build(
        maven, "-q", "-B", "compile", COPY_DEPENDENCIES,
        "-DoutputDirectory=target/libraries", "-DincludeScope=runtime", folder=folder,
    )  # fmt: skip
    expect_every_alert_once(
        settings, ("java", "-cp", "target/classes:target/libraries/*", "Alerts"), folder
    )


def test_go(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "go"
    shutil.copytree(FOLDER / "go", folder)
    go = needed("go", "needs Go 1.26")
    build(go, "build", "-mod=readonly", "-o", "alerts", ".", folder=folder)
    expect_every_alert_once(settings, ("./alerts",), folder)


def test_python_with_the_client(settings: Settings, tmp_path: Path) -> None:
    # What it names, and what builds its wheel.
    wanted = ("orjson", "aiokafka", "async_timeout", "packaging", "typing_extensions", *BUILDERS)
    consumer = VirtualEnvironment(
        tmp_path / "environment", is_wanted=lambda name: name.startswith(wanted)
    )
    consumer.install("./schemas[client]", folder=ROOT)
    expect_every_alert_once(settings, (consumer.program("python"), FOLDER / "client.py"), tmp_path)


def needed(program: str, reason: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(reason)
    return found


def build(*command: str, folder: Path) -> None:
    """Build an example; its libraries come by the language's own client, into the user's cache."""
    built = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
