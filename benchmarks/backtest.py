"""The duration of a backtest in seconds, and the share of each further configuration.

    python -m benchmarks.backtest [--events 200000] [--more 3] [--check]

The log is a gzipped file of the engine's own events: consecutive synthetic days of 80 assets,
planted cascades included. The parts of `liq backtest` read it and detect on it, first with one
configuration in this process, then with more configurations in one process per core. Seconds are
those of otherwise idle cores, derived from processor time: that of the busiest process, or the sum
divided by the number of cores if that is more. The best of the rounds counts. With `--check` the
exit code is 1 if the first configuration takes more than ten minutes for two million events, or a
further one more than its share.
"""

import argparse
import gzip
import os
import resource
import sys
import tempfile
from math import ceil
from pathlib import Path

import orjson

from benchmarks.detection.day import make_day
from liq.cli.backtesting.run import backtest
from liq.cli.backtesting.sources import of_files
from liq.cli.importing.files import find_files
from liq.cli.importing.run import identify
from liq.processors.backtesting import Configuration, changed
from liq.processors.cascades import DetectorConfig
from liq.processors.cascades.observation import CENTS_PER_DOLLAR, Observation
from liq.processors.normalizers import NormalizerConfig, load_snapshot
from liq.schemas.units import DAY_MS
from liq.schemas.vocabulary import Completeness

ROUNDS = 2
FIRST_SEED = 5_000
YEARS_EVENTS = 2_000_000
MOST_SECONDS = 600
MOST_SHARE = 0.6
BASE = DetectorConfig()


def line(event: Observation, day: int) -> bytes:
    complete = Completeness.COMPLETE if event.is_complete else Completeness.SAMPLED
    return orjson.dumps(
        {
            "event_id": f"{day}-{event.event_id}",
            "exchange": event.exchange,
            "symbol": event.symbol,
            "base": event.base,
            "side": event.side,
            "price": f"{event.price:f}",
            "price_kind": event.price_kind,
            "value_usd": f"{event.cents / CENTS_PER_DOLLAR:.2f}",
            "timestamp_ms": event.timestamp_ms + day * DAY_MS,
            "received_at_ms": event.received_at_ms + day * DAY_MS,
            "completeness": complete,
            "arrival": "imported",
        }
    )


def write_log(path: Path, count: int) -> int:
    written = day = 0
    with gzip.open(path, "wb", compresslevel=1) as file:
        while written < count:
            for event in make_day(FIRST_SEED + day).observations[: count - written]:
                file.write(line(event, day) + b"\n")
                written += 1
            day += 1
    return day


def processor_seconds() -> tuple[float, float]:
    """Return the processor time of this process, and of its children that have ended."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    own, children = (each.ru_utime + each.ru_stime for each in used)
    return own, children


def seconds_of(path: Path, configurations: list[Configuration], processes: int) -> float:
    [known] = identify(find_files([path]), "")
    config = NormalizerConfig(BASE.min_value_usd, BASE.min_value_usd)
    # The processes' numbers of configurations differ by one at most.
    largest = ceil(len(configurations) / processes) / len(configurations)
    best = float("inf")
    for _ in range(ROUNDS):
        own_before, children_before = processor_seconds()
        source = of_files([known], load_snapshot(), config)
        with backtest(source, configurations, processes=processes) as found:
            assert found.span.events
            assert len(found.runs) == len(configurations)
        own, children = processor_seconds()
        own, children = own - own_before, children - children_before
        best = min(best, max(own, children * largest, (own + children) / processes))
    return best


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--more", type=int, default=3, help="further configurations")
    arguments.add_argument("--check", action="store_true", help="fail over the limits")
    options = arguments.parse_args()
    processes = os.cpu_count() or 1
    configurations = [Configuration("settings", BASE)] + [
        Configuration(f"{nats}", changed(BASE, {"start_nats": nats}))
        for nats in range(14, 14 + options.more)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl.gz"
        days = write_log(path, options.events)
        first = seconds_of(path, configurations[:1], 1)
        all_of_them = seconds_of(path, configurations, processes)
    share = (all_of_them - first) / options.more / first
    scale = YEARS_EVENTS / options.events
    print(f"{options.events:,} events of {days} days, {processes} processes")
    print(f"first configuration   {first:6.1f} s, {first * scale:6.0f} s for {YEARS_EVENTS:,}")
    print(f"each further one      {share:6.0%} of it ({options.more} more: {all_of_them:.1f} s)")
    if options.check and (first * scale > MOST_SECONDS or share > MOST_SHARE):
        sys.exit(f"over {MOST_SECONDS} s, or over {MOST_SHARE:.0%} for a further configuration")


if __name__ == "__main__":
    main()
