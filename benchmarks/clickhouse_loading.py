"""Two ways from Kafka into the same tables: `liq sink clickhouse`, and ClickHouse's Kafka engine.

    python -m benchmarks.clickhouse_loading [--events 200000] [--kills 5]

Apache Kafka, a ClickHouse server and one sink run on this machine. Both ways load the same topic,
one after the other, each into its own database: once undisturbed, for rate and processor time (of
the sink and of the server), and once with a server that is killed and restarted. The Kafka engine
has two consumers and a materialized view that casts each field. It performs no checks, drops
records that it cannot parse, and replaces a missing field with the column's default.
"""

# ruff: noqa: S608 - the SQL is made of constants of this file

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from benchmarks.clickhouse_sink import PARTITIONS, liquidation, publish
from liq.devstack.clickhouse_server.servers import ClickHouseServers, ServerOptions, owner
from liq.devstack.options import load_stack_options
from liq.devstack.stack import Stack
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 600.0
KAFKA_GRANTS = ("GRANT KAFKA ON *.*", "GRANT TABLE ENGINE ON Kafka")
TEXTS = (
    "exchange", "symbol", "native_symbol", "base", "quote", "settle", "contract", "side",
    "price_kind", "completeness", "evidence", "event_id",
)  # fmt: skip
DECIMALS = ("price", "quantity", "value_usd", "price_level")
QUEUE = (
    "CREATE TABLE queue ("
    + ", ".join(f"{name} String" for name in TEXTS + DECIMALS)
    + ", timestamp_ms Int64, received_at_ms Int64, is_institutional Bool, schema_version UInt16,"
    " source Tuple(topic String, partition UInt16, offset UInt64)) ENGINE = Kafka SETTINGS"
    " kafka_broker_list = '{brokers}', kafka_topic_list = '{topic}',"
    " kafka_group_name = '{group}', kafka_format = 'JSONEachRow', kafka_num_consumers = 2,"
    " kafka_handle_error_mode = 'stream'"
)
VIEW = (
    "CREATE MATERIALIZED VIEW queue_to_liquidations TO liquidations AS SELECT "
    + ", ".join(TEXTS)
    + ", toDecimal256(price, 18) AS price, toDecimal256(quantity, 12) AS quantity,"
    " toDecimal256(value_usd, 12) AS value_usd, toDecimal256(price_level, 18) AS price_level,"
    " fromUnixTimestamp64Milli(timestamp_ms, 'UTC') AS timestamp,"
    " fromUnixTimestamp64Milli(received_at_ms, 'UTC') AS received_at, is_institutional,"
    " schema_version, _topic AS src_topic, _partition AS src_partition, _offset AS src_offset,"
    " source.topic AS raw_topic, source.partition AS raw_partition, source.offset AS raw_offset"
    " FROM queue WHERE _error = ''"
)


@dataclass
class Bench:
    """The broker, server and settings of a run."""

    stack: Stack
    servers: ClickHouseServers
    settings: Settings
    events: int

    def client(self, database: str) -> Client:
        """Open a client of one way's database."""
        opened = connect(self.settings, use_database=False)
        opened.database = database
        return opened

    def server_seconds(self) -> float:
        """Return the server's processor time since its start."""
        return processor_seconds(self.servers.process_id())

    @contextmanager
    def sink(self, database: str) -> Iterator[None]:
        """Run `liq sink clickhouse`."""
        environment = {"CLICKHOUSE_DATABASE": database, "TOPIC_PARTITIONS": str(PARTITIONS)}
        self.stack.start_worker("sink", "sink", "clickhouse", environment=environment)
        yield
        self.stack.supervisor.stop("sink")

    @contextmanager
    def engine(self, database: str) -> Iterator[None]:
        """Run a Kafka table and its materialized view."""
        with closing(self.client(database)) as client:
            brokers = self.settings.kafka_bootstrap_servers
            topic = self.settings.topics.events
            client.command(QUEUE.format(brokers=brokers, topic=topic, group=database))
            client.command(VIEW)
        yield
        with closing(self.client(database)) as client:
            client.command("DROP TABLE queue_to_liquidations SYNC")
            client.command("DROP TABLE queue SYNC")

    def sink_seconds(self) -> float:
        """Return the sink's processor time since its start; 0 if no sink runs."""
        if "sink" not in self.stack.supervisor.names:
            return 0.0
        return processor_seconds(self.stack.supervisor.process_id("sink"))

    def rows(self, database: str, final: str = "") -> int:
        """Count rows; -1 while the server does not answer."""
        try:
            with closing(self.client(database)) as client:
                sql = f"SELECT count() FROM liquidations {final}"
                return int(client.query(sql).result_rows[0][0])
        except Error:
            return -1

    def load(self, way: str, database: str, kills: int) -> str:
        """Load the topic one way; return the line of the table."""
        with closing(connect(self.settings, use_database=False)) as client:
            migrate(client, database)
        server_before = self.server_seconds()
        started = time.monotonic()
        with self.sink(database) if way == "sink" else self.engine(database):
            sink_before = self.sink_seconds()
            deadline = started + PATIENCE_SECONDS
            for kill in range(kills):
                wanted = self.events * (kill + 1) // (kills + 2)
                while self.rows(database) < wanted and time.monotonic() < deadline:
                    time.sleep(POLL_SECONDS)
                self.servers.kill_server()
                self.servers.start_server()
            while self.rows(database, "FINAL") < self.events and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            seconds = time.monotonic() - started
            sink = self.sink_seconds() - sink_before
        stored, distinct = self.rows(database), self.rows(database, "FINAL")
        if kills:
            return (
                f"{way:<7} {kills} kills: {distinct:,} of {self.events:,} events, "
                f"{stored - distinct:,} rows stored twice"
            )
        server = self.server_seconds() - server_before
        return (
            f"{way:<7} {self.events / seconds:,.0f} events/s; us of processor an event: sink "
            f"{sink / self.events * 1e6:.1f}, server {server / self.events * 1e6:.1f}"
        )


def processor_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--kills", type=int, default=5)
    options = arguments.parse_args()
    chance = random.Random(20_260_708)  # noqa: S311 - synthetic events
    events = [liquidation(number, chance) for number in range(options.events)]
    with tempfile.TemporaryDirectory() as directory:
        own = load_stack_options(embedded_data_dir=Path(directory), kafka="apache")
        with Stack(own, has_clickhouse=False) as stack:
            user = owner()
            user = replace(user, grants=(*user.grants, *KAFKA_GRANTS))
            servers = ClickHouseServers(
                stack.supervisor, Path(directory) / "server", ServerOptions(users=(user,))
            )
            servers.start()
            stack.environment |= {
                "CLICKHOUSE_URL": servers.nodes[0].url,
                "CLICKHOUSE_USER": user.name,
                "CLICKHOUSE_PASSWORD": user.password,
                "TOPIC_PARTITIONS": str(PARTITIONS),
            }
            for kills in (0, options.kills):
                # A new namespace, because the sink has one consumer group per namespace.
                stack.environment["TOPIC_NAMESPACE"] = f"bench{kills}"
                os.environ.update(stack.environment)
                settings = load_settings()
                asyncio.run(ensure_topics(settings, ()))
                asyncio.run(publish(settings, events))
                bench = Bench(stack, servers, settings, options.events)
                for way in ("sink", "engine"):
                    print(bench.load(way, f"{way}_{kills}", kills), flush=True)


if __name__ == "__main__":
    main()
