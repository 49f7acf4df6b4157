"""A broker that goes away under `liq serve`: it says so, keeps answering, and goes on."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from liq.devstack.broker import EmbeddedBroker
from liq.devstack.broker_address import BrokerAddress
from liq.devstack.ports import free_port
from liq.devstack.supervisor import Supervisor
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from tests.support.web_server import asking, publish_liquidations, wait_for_liquidations

if TYPE_CHECKING:
    from tests.conftest import RunWorker

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    with Supervisor(tmp_path / "broker-logs") as supervisor:
        yield EmbeddedBroker(supervisor, tmp_path / "broker", free_port())


@pytest.fixture
def broker(own_broker: EmbeddedBroker) -> BrokerAddress:
    """Instead of the session's broker: one that may be stopped."""
    return own_broker.start()


def readiness(url: str) -> str:
    """Why the worker is not ready, or an empty text."""
    try:
        with urlopen(f"{url}/readyz", timeout=5):
            return ""
    except HTTPError as error:
        return error.read().decode()


async def answered(port: int) -> tuple[list[str], str]:
    """The ids of all liquidations, and the horizon's sentence."""
    async with (
        asking(port) as session,
        session.get("/api/v1/liquidations?limit=1000") as answer,
    ):
        body = await answer.json()
        return [each["event_id"] for each in body["liquidations"]], body["horizon"]["sentence"]


@pytest.mark.slow
def test_answers_go_on_without_kafka_and_reading_goes_on_with_it(
    settings: Settings,
    run_worker: "RunWorker",
    own_broker: EmbeddedBroker,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    port = free_port()
    asyncio.run(ensure_topics(settings, ()))
    asyncio.run(publish_liquidations(settings, 0, 20))
    worker = run_worker("serve", settings=settings, environment={"WEB_PORT": str(port)})
    asyncio.run(wait_for_liquidations(port, 20))
    own_broker.stop()
    wait_until(lambda: "cannot be read" in readiness(worker.health_url))
    ids, sentence = asyncio.run(answered(port))
    assert len(ids) == 20
    assert "cannot read Kafka" in sentence
    own_broker.start()
    wait_until(lambda: readiness(worker.health_url) == "")
    asyncio.run(publish_liquidations(settings, 20, 20))
    asyncio.run(wait_for_liquidations(port, 40))
    ids, sentence = asyncio.run(answered(port))
    assert sorted(ids) == sorted(f"{number:032x}" for number in range(40))
    assert "cannot read Kafka" not in sentence
    assert worker.stop() == 0
