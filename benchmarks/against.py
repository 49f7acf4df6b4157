"""Processor time of this checkout's code compared with another checkout's, in one run.

    python -m benchmarks.against OTHER [--rounds 9] [--check] [--workloads NAME ...]

OTHER is a checkout of this project with its own `.venv` (`make install` there). Each round runs a
workload on both checkouts, in alternating order. A ratio is this checkout's processor time divided
by the other's in the same round; the table shows the quartiles of the ratios.

    normalize  frames of the recordings and golden messages of every feed, those that both read
    detect     the liquidations of the recordings, assets and market together
    records    the same from stored bytes to bytes of alerts: what the detecting workers compute
    day        those of a synthetic day of 80 assets at three times the quiet traffic
    sink       a whole `liq sink clickhouse`, from Kafka to stored rows
    produce    a whole `liq produce aster`, from a websocket to acknowledged records

Both get the same input. Workers run on this checkout's embedded broker and ClickHouse. With
`--check` the exit code is 1 if an upper quartile is above `--limit`.
"""

import argparse
import asyncio
import base64
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from benchmarks.clickhouse_sink import count, liquidation, publish
from benchmarks.detector import busy_day, recorded
from benchmarks.normalizers import read_frames
from benchmarks.producer import play_once
from benchmarks.running_worker import RunningWorker
from liq.devstack.options import load_stack_options
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.stack import Stack
from liq.devstack.supervisor import Child
from liq.runtime.logs import configure_logging
from liq.runtime.settings import load_settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate
from tests.support.old_topics import delete_namespaces

LIMIT = 1.05
HERE = Path(__file__).resolve().parents[1]
SINK_EVENTS = 100_000
PRODUCED_FRAMES = 150_000
POLL_SECONDS = 0.1
STORED_SECONDS = 120.0

#: Runs once in a checkout; returns the processor seconds.
Workload = Callable[[Path], float]


@dataclass(slots=True)
class Rounds:
    """The processor seconds of both checkouts, round by round."""

    ours: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """The quartiles of the ratio ours / other."""
        ratios = [mine / other for mine, other in zip(self.ours, self.others, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, middle, high


def core(name: str, lines: list[bytes], passes: int, path: Path) -> Workload:
    """Return a workload of the pure core over lines, which it writes to a file."""
    path.write_bytes(b"\n".join(lines))
    return lambda checkout: float(core_work(checkout, name, path, str(passes)))


def core_work(checkout: Path, *arguments: str | Path) -> str:
    """Run `core_work.py` with the interpreter of a checkout."""
    command: list[str | Path] = [
        *(checkout / ".venv/bin/python", "-P", HERE / "benchmarks/core_work.py"),
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own interpreters


def read_by(checkout: Path, lines: list[bytes], folder: Path) -> list[bytes]:
    """Return the lines whose frames another checkout reads without a rejection."""
    path = folder / "candidates.jsonl"
    path.write_bytes(b"\n".join(lines))
    return [lines[number] for number in orjson.loads(core_work(checkout, "read", path))]


def frame_lines() -> list[bytes]:
    """Return every recorded frame, and golden ones of each feed without a recording."""
    return [
        orjson.dumps(
            {
                "exchange": metadata.exchange,
                "feed": metadata.feed,
                "received_at_ms": metadata.received_at_ms,
                "frame": base64.b64encode(frame).decode(),
            }
        )
        for frames in read_frames().values()
        for frame, metadata in frames
    ]


def start_liq(
    stack: Stack, checkout: Path, name: str, *arguments: str, environment: Mapping[str, str]
) -> RunningWorker:
    """Start a worker of a checkout beside the stack and wait until it is ready."""
    port = free_port()
    stack.supervisor.start(
        Child(
            name=name,
            command=(str(checkout / ".venv/bin/liq"), *arguments),
            environment={
                **stack.environment,
                **environment,
                "HTTP_HOST": LOOPBACK,
                "HTTP_PORT": str(port),
            },
            is_ready=lambda: answers_http(f"http://{LOOPBACK}:{port}/readyz"),
            ready_seconds=60.0,
        )
    )
    return RunningWorker(port)


def forget_topics(namespace: str) -> None:
    """Delete the topics of a run, because a starting client reads the metadata of all topics."""
    asyncio.run(delete_namespaces(load_settings(), [namespace]))


def sinking(stack: Stack, events: list[bytes]) -> Workload:
    """Return a workload that loads the same events from its own namespace."""
    numbers = iter(range(1_000_000))

    def run(checkout: Path) -> float:
        name = f"sink-{next(numbers)}"
        environment = {
            "TOPIC_NAMESPACE": name,
            "TOPIC_PARTITIONS": "4",
            "CLICKHOUSE_DATABASE": name.replace("-", "_"),
            "LOG_LEVEL": "WARNING",
        }
        settings = load_settings(
            **{key.lower(): text for key, text in {**stack.environment, **environment}.items()}
        )
        asyncio.run(ensure_topics(settings, ()))
        with closing(connect(settings, use_database=False)) as client:
            migrate(client, settings.clickhouse_database)
            client.database = settings.clickhouse_database
            worker = start_liq(stack, checkout, name, "sink", "clickhouse", environment=environment)
            before = worker.cpu_seconds()
            asyncio.run(publish(settings, events))
            give_up = time.monotonic() + STORED_SECONDS
            while count(client) < len(events):
                if time.monotonic() > give_up:
                    raise SystemExit(f"the sink of {checkout} stores nothing; see its log")
                time.sleep(POLL_SECONDS)
            spent = worker.cpu_seconds() - before
            stack.supervisor.stop(name)
            client.command(f"DROP DATABASE {settings.clickhouse_database} SYNC")
        forget_topics(name)
        return spent

    return run


def producing(stack: Stack) -> Workload:
    """Return a workload that receives frames from a websocket as fast as possible."""
    numbers = iter(range(1_000_000))

    def run(checkout: Path) -> float:
        name = f"produce-{next(numbers)}"
        with play_once(PRODUCED_FRAMES) as (address, started):
            worker = start_liq(
                stack,
                checkout,
                name,
                *("produce", "aster"),
                environment={
                    "ASTER_WS_URL": address,
                    "TOPIC_NAMESPACE": name,
                    "TOPIC_PARTITIONS": "4",
                    "LOG_LEVEL": "WARNING",
                },
            )
            # The frames arrive as soon as it has subscribed, so its start counts, too.
            started()
            worker.wait_for_frames(PRODUCED_FRAMES)
            spent = worker.cpu_seconds()
            stack.supervisor.stop(name)
        forget_topics(name)
        return spent

    return run


@contextmanager
def workloads(chosen: list[str], other: Path) -> Iterator[dict[str, Workload]]:
    """Prepare the chosen workloads, with a stack if a whole worker is among them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[str, Workload] = {}
        if "normalize" in chosen:
            frames = read_by(other, frame_lines(), folder)
            found["normalize"] = core("normalize", frames, 12, folder / "frames.jsonl")
        logs = {
            "detect": ("detect", recorded, 6),
            "records": ("records", recorded, 6),
            "day": ("detect", busy_day, 1),
        }
        for workload, (work, events_of, passes) in logs.items():
            if workload in chosen:
                lines = [encode(event) for event in events_of()]
                found[workload] = core(work, lines, passes, folder / f"{workload}.jsonl")
        if not {"sink", "produce"} & set(chosen):
            yield found
            return
        with Stack(load_stack_options(embedded_data_dir=folder / "stack")) as stack:
            os.environ.update(stack.environment)
            chance = random.Random(20_260_708)  # noqa: S311 - synthetic events
            if "sink" in chosen:
                events = [liquidation(number, chance) for number in range(SINK_EVENTS)]
                found["sink"] = sinking(stack, events)
            if "produce" in chosen:
                found["produce"] = producing(stack)
            yield found


def main() -> None:
    """Measure, print the table, and check the limits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ("normalize", "detect", "records", "day", "sink", "produce")
    parser.add_argument("other", type=Path, help="a checkout with an environment")
    parser.add_argument("--workloads", nargs="+", default=names, choices=names)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--limit", type=float, default=LIMIT, help="on the upper quartile")
    parser.add_argument("--check", action="store_true", help="exit with 1 above the limit")
    options = parser.parse_args()
    other = options.other.resolve()
    missed = []
    configure_logging(load_settings(log_level="WARNING"), worker="benchmark")
    with workloads(list(options.workloads), other) as prepared:
        print(f"{'CPU seconds':<12}{'other':>9}{'ours':>9}{'ratio: 25 %':>14}", end="")
        print(f"{'50 %':>8}{'75 %':>8}   medians of {options.rounds} interleaved rounds")
        for name, work in prepared.items():
            rounds = Rounds()
            for number in range(options.rounds):
                pair = [(HERE, rounds.ours), (other, rounds.others)]
                for checkout, seconds in pair if number % 2 else reversed(pair):
                    seconds.append(work(checkout))
            low, middle, high = rounds.quartiles
            print(f"{name:<12}{statistics.median(rounds.others):>9.2f}", end="")
            print(f"{statistics.median(rounds.ours):>9.2f}{low:>14.3f}{middle:>8.3f}{high:>8.3f}")
            sys.stdout.flush()
            if high > options.limit:
                missed.append(f"{name}: the upper quartile is {high:.3f}, above {options.limit}")
    sys.exit("\n".join(missed) if options.check and missed else 0)


if __name__ == "__main__":
    main()
