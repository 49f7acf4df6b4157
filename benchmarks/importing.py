"""The seconds to import a day of 300,000 rows, compared with only reading and writing it.

    python -m benchmarks.importing [--rows 300000] [--check]

The file has the form of tardis.dev, gzipped, with Bybit and OKX in turns. `plain` reads it with the
csv module, parses the numbers as decimals and writes a JSON line per row. `import` does all of
`liq import --to -`, with the output discarded. `rows` also encodes the events for ClickHouse, as
`--to clickhouse` does before sending them. Each is measured in processor time, in turns; the best
round counts. With `--check` the exit code is 1 if the import takes more than its multiple of the
plain reading, or a day more than its seconds.
"""

import argparse
import asyncio
import csv
import gzip
import io
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import orjson

from liq.cli.importing.destinations import StdoutDestination, Stored
from liq.cli.importing.files import find_files
from liq.cli.importing.journal import Journal
from liq.cli.importing.run import EventImport, ImportCallbacks, identify
from liq.processors.normalizers import NormalizerConfig, load_snapshot
from liq.schemas.codec import encode
from liq.schemas.records import Liquidation
from liq.sinks.clickhouse.bulk import BulkRecord
from liq.sinks.clickhouse.encoding import encode as encode_rows
from liq.sinks.clickhouse.tables import LIQUIDATIONS

ROUNDS = 3
DAY_ROWS = 300_000
MOST_SECONDS_A_DAY = 30
MOST_RATIO = 12.0
START_US = 1_740_787_200_000_000
CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
HEADER = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
BYBIT = ("BTCUSDT", "ETHUSDT", "1000PEPEUSDT", "SOLUSDT", "DOGEUSDT")
OKX = ("BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP", "DOGE-USDT-SWAP")


class Rows:
    """A destination that encodes events for ClickHouse and discards them."""

    name = "rows"

    async def open(self) -> None:
        """Do nothing."""

    async def store(self, events: Sequence[Liquidation], brought_by: str) -> Stored:  # noqa: ARG002
        """Encode the events."""
        records = [BulkRecord("import", 0, 0, 0, encode(event)) for event in events]
        assert not encode_rows(LIQUIDATIONS, records).refusals
        return Stored(len(events))

    async def close(self) -> None:
        """Do nothing."""


def write_day(path: Path, rows: int) -> None:
    chance = random.Random(5)  # noqa: S311 - no secrets
    gap_us = 86_400_000_000 // rows
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(HEADER + "\n")
        for number in range(rows):
            at_us = START_US + number * gap_us // 1_000 * 1_000
            exchange, symbols = (("bybit", BYBIT), ("okex-swap", OKX))[number % 2]
            file.write(
                f"{exchange},{chance.choice(symbols)},{at_us},{at_us + 55_417},,"
                f"{chance.choice(('buy', 'sell'))},{chance.uniform(1, 90_000):.2f},"
                f"{chance.randint(1, 900)}\n"
            )


def plain(path: Path) -> int:
    count = 0
    out = io.BytesIO()
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            value = Decimal(row["price"]) * Decimal(row["amount"])
            out.write(orjson.dumps(row | {"value": str(value)}) + b"\n")
            out.seek(0)
            count += 1
    return count


def importing(destination: StdoutDestination | Rows) -> Callable[[Path], int]:
    def work(path: Path) -> int:
        [known] = identify(find_files([path]), "")
        callbacks = ImportCallbacks(bad=lambda *_: None, progress=lambda _: None)
        importing = EventImport(
            destination, Journal(None, "benchmark"), load_snapshot(), CONFIG, callbacks
        )
        report = asyncio.run(importing.run(known, asyncio.Event()))
        assert report.is_whole
        return report.stored + report.repeats

    return work


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rows", type=int, default=DAY_ROWS)
    arguments.add_argument("--check", action="store_true", help="fail over the limits")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Path("/dev/null").open("wb") as nowhere:
        path = Path(folder) / "mixed_liquidations_2025-03-01.csv.gz"
        write_day(path, options.rows)
        works = {
            "plain": plain,
            "import": importing(StdoutDestination(nowhere)),
            "rows": importing(Rows()),
        }
        best = dict.fromkeys(works, float("inf"))
        for _ in range(ROUNDS):
            for name, work in works.items():
                began = time.process_time()
                count = work(path)
                assert count == options.rows, (name, count)
                best[name] = min(best[name], time.process_time() - began)
    for name, seconds in best.items():
        day = seconds * DAY_ROWS / options.rows
        print(
            f"{name:8} {seconds / options.rows * 1e6:7.1f} us a row, {day:5.1f} s for {DAY_ROWS:,},"
            f" {seconds / best['plain']:5.1f} of plain"
        )
    day = best["rows"] * DAY_ROWS / options.rows
    is_missed = best["import"] > MOST_RATIO * best["plain"] or day > MOST_SECONDS_A_DAY
    if options.check and is_missed:
        sys.exit(f"over {MOST_RATIO} of plain, or over {MOST_SECONDS_A_DAY} s for a day")


if __name__ == "__main__":
    main()
