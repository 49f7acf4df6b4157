"""A database that holds all recorded captures, loaded by the real sink."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from liq.devstack.broker_address import BrokerAddress
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.progress import PipelineProgress
from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Child, Supervisor
from liq.devstack.warehouse import WarehouseAddress
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.destination import STAGE as SINK_STAGE
from liq.sinks.clickhouse.migrations import migrate
from tests.conftest import worker_environment
from tests.support.analytics_data import records

DEADLINE_SECONDS = 150.0
POLL_SECONDS = 0.1

Records = Mapping[str, Sequence[bytes]]


class Warehouse:
    """A database that a sink loads."""

    def __init__(self, settings: Settings, client: Client, log_directory: Path) -> None:
        self.settings = settings
        self.client = client
        self._log_directory = log_directory

    def load(self, published: Records) -> None:
        """Publish records and run a sink until it has committed the last of them."""
        with running_sink(self.settings, self._log_directory):
            asyncio.run(self._load(published))

    async def _load(self, published: Records) -> None:
        producer = new_producer(self.settings, "test")
        await producer.start()
        try:
            for topic, values in published.items():
                partitions = len(await producer.partitions_for(topic))
                for number, value in enumerate(values):
                    await producer.send(topic, value, partition=number % partitions)
            await producer.flush()
        finally:
            await producer.stop()
        async with asyncio.timeout(DEADLINE_SECONDS), PipelineProgress(self.settings) as progress:
            while await progress.lag(SINK_STAGE, published) > 0:  # noqa: ASYNC110 - another process
                await asyncio.sleep(POLL_SECONDS)


NewWarehouse = Callable[[], Warehouse]


@pytest.fixture(scope="package")
def new_warehouse(
    broker: BrokerAddress, clickhouse: WarehouseAddress, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewWarehouse]:
    """Make an empty database."""
    with ExitStack() as cleanup:

        def make() -> Warehouse:
            name = f"a{secrets.token_hex(4)}"
            environment = {**broker.environment, **clickhouse.environment}
            environment |= {"TOPIC_NAMESPACE": name, "CLICKHOUSE_DATABASE": name}
            environment |= {"TOPIC_PARTITIONS": "4", "SINK_BATCH_ROWS": "1000"}
            settings = load_settings(**{key.lower(): value for key, value in environment.items()})
            asyncio.run(ensure_topics(settings, ()))
            client = cleanup.enter_context(closing(connect(settings, use_database=False)))
            migrate(client, name)
            client.database = name
            cleanup.callback(client.command, f"DROP DATABASE {name}")
            return Warehouse(settings, client, tmp_path_factory.mktemp("sink"))

        yield make


@contextmanager
def running_sink(settings: Settings, log_directory: Path) -> Iterator[None]:
    """Run `liq sink clickhouse`; an idle one would slow every test that comes after."""
    with Supervisor(log_directory) as supervisor:
        port = free_port()
        supervisor.start(
            Child(
                name="sink",
                command=liq_command("sink", "clickhouse"),
                environment={**worker_environment(settings), "HTTP_PORT": str(port)},
                is_ready=lambda: answers_http(f"http://{LOOPBACK}:{port}/readyz"),
            )
        )
        yield


@pytest.fixture(scope="package")
def captured(new_warehouse: NewWarehouse) -> Warehouse:
    """The captures, loaded once. Only to be read."""
    warehouse = new_warehouse()
    warehouse.load(records(warehouse.settings.topics))
    return warehouse
