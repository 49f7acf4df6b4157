"""Processor time of an event from its JSON to an insert's bytes: our encoder, and the client's.

    pip install 'clickhouse-connect[rust]' && python -m benchmarks.clickhouse_encoding

Ours (`encoding.encode`) also checks presence, words, ranges and digits of every field. The client's
column insert does not: it stores an unknown word of an enum as 0 and truncates decimals. Its time
is measured without such checks, so it is a lower bound. Both parse the same JSON in the same
process, alternating; the best of the rounds counts. For both, text stays text, and the server casts
it, but the client receives decimals, times and words in its own types.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence

import orjson
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.rustcodec import _make_native_transform
from clickhouse_connect.driver.transform import Transform

from benchmarks.clickhouse_sink import Record, liquidation
from liq.sinks.clickhouse.encoding import encode
from liq.sinks.clickhouse.migrations import expected_schema
from liq.sinks.clickhouse.tables import LIQUIDATIONS

ROUNDS = 7
BATCH_ROWS = 10_000
SOURCE = {"raw_topic": "topic", "raw_partition": "partition", "raw_offset": "offset"}
# The fields of columns with another name than their field.
FIELDS = {
    "timestamp": "timestamp_ms",
    "received_at": "received_at_ms",
    "stamped_at": "stamped_at_ms",
}


def ours(records: Sequence[Record]) -> int:
    return sum(map(len, encode(LIQUIDATIONS, records).blocks))


def of_client(transform: Transform) -> Callable[[Sequence[Record]], int]:
    types = expected_schema().tables[LIQUIDATIONS.name]
    names = LIQUIDATIONS.sent_columns
    column_types = [get_from_name(types[name]) for name in names]

    def load(records: Sequence[Record]) -> int:
        documents = [orjson.loads(record.value) for record in records]
        columns = []
        for name in names:
            if name in SOURCE:
                column = [document["source"][SOURCE[name]] for document in documents]
            elif name.startswith("src_"):
                column = [getattr(record, name[4:]) for record in records]
            else:
                field = FIELDS.get(name, name)
                column = [document.get(field) for document in documents]
            if name in {"schema_version", "arrival"} and column[0] is None:
                column = [1 if name == "schema_version" else "live"] * len(column)
            columns.append(column)
        context = InsertContext(
            LIQUIDATIONS.name, names, column_types, columns, column_oriented=True
        )
        return sum(map(len, transform.build_insert(context)))

    return load


def microseconds(load: Callable[[Sequence[Record]], int], records: Sequence[Record]) -> float:
    started = time.process_time()
    load(records)
    return (time.process_time() - started) / len(records) * 1e6


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--events", type=int, default=BATCH_ROWS)
    options = arguments.parse_args()
    chance = random.Random(20_260_708)  # noqa: S311 - synthetic events
    records = [Record(liquidation(n, chance), n) for n in range(options.events)]
    loads = {
        "ours, with every check": ours,
        "clickhouse-connect, Rust codec, no check": of_client(_make_native_transform("rust")),
        "clickhouse-connect, Python codec, no check": of_client(_make_native_transform("python")),
    }
    best = dict.fromkeys(loads, float("inf"))
    for _ in range(ROUNDS):
        for name, load in loads.items():
            best[name] = min(best[name], microseconds(load, records))
    first = next(iter(best.values()))
    for name, taken in best.items():
        print(f"{taken:6.2f} us an event, ours is {first / taken:.2f} of it: {name}")


if __name__ == "__main__":
    main()
