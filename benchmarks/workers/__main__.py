"""Whole workers on Apache Kafka beside plain aiokafka loops, in one table.

    python -m benchmarks.workers [--form short|long] [--only NAME ...] [--rounds N] [--check]

    normalize  throughput, memory and start of `liq process normalize` on a backlog
    detect     the same of `liq process detect`

Broker, workers and loops are processes of their own on this machine. Rounds are interleaved, and
the order alternates. A ratio is ours / plain loop (`peers.py`) of the same round; limits are on
ratios alone, for rates depend on the machine and on what else runs there. With `--check` the exit
code is 1 when a limit is missed.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.workers import report
from benchmarks.workers.backlogs import Backlog, Logs
from benchmarks.workers.report import Row, compared
from benchmarks.workers.throughput import Drain, drain
from liq.devstack.options import load_stack_options
from liq.devstack.stack import Stack
from liq.runtime.logs import configure_logging
from liq.runtime.settings import load_settings

PARTITIONS: Final = 12
WARM_FRAMES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Form:
    """How much is measured. Frames are those of a backlog."""

    rounds: int
    normalize_frames: int
    detect_frames: int


FORMS: Final = {
    "short": Form(rounds=3, normalize_frames=30_000, detect_frames=30_000),
    "long": Form(rounds=5, normalize_frames=300_000, detect_frames=100_000),
}

#: Measures one part of the table.
Part = Callable[[Stack, Form], Coroutine[Any, Any, list[Row]]]


async def normalize(stack: Stack, form: Form) -> list[Row]:
    backlog = Logs(partitions=PARTITIONS).normalize(WARM_FRAMES, form.normalize_frames)
    return await throughput(stack, form, backlog)


async def detect(stack: Stack, form: Form) -> list[Row]:
    backlog = Logs(partitions=PARTITIONS).detect(WARM_FRAMES, form.detect_frames)
    return await throughput(stack, form, backlog)


async def throughput(stack: Stack, form: Form, backlog: Backlog) -> list[Row]:
    ours: list[Drain] = []
    peers: list[Drain] = []
    for number in range(form.rounds):
        for is_loop in (True, False) if number % 2 else (False, True):
            found = await drain(stack, backlog, is_loop=is_loop, partitions=PARTITIONS)
            (peers if is_loop else ours).append(found)

    def row(measure: str, of: Callable[[Drain], float]) -> Row:
        return compared(f"{backlog.stage}, {measure}", [*map(of, ours)], [*map(of, peers)])

    return [
        row("events/s", lambda one: one.per_second),
        row("CPU us an event", lambda one: one.cpu_microseconds),
        row("most memory in the backlog, MiB", lambda one: one.peak_mebibytes),
        row("start to first output, s", lambda one: one.first_output_seconds),
        row("start to first output, CPU s", lambda one: one.first_output_cpu_seconds),
    ]


PARTS: Final[dict[str, Part]] = {"normalize": normalize, "detect": detect}


@contextmanager
def apache_stack() -> Iterator[Stack]:
    """Start Apache Kafka and ClickHouse in a folder that goes away."""
    os.environ["KAFKA"] = "apache"
    with tempfile.TemporaryDirectory() as folder:
        options = load_stack_options(embedded_data_dir=Path(folder))
        with Stack(options) as stack:
            yield stack


def main() -> None:
    """Measure, print the table, and judge it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--form", choices=tuple(FORMS), default="long")
    parser.add_argument("--only", nargs="+", default=tuple(PARTS), choices=tuple(PARTS))
    parser.add_argument("--rounds", type=int, help="instead of the form's")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args()
    form, is_short = FORMS[options.form], options.form == "short"
    if options.rounds:
        form = replace(form, rounds=options.rounds)
    rows: list[Row] = []
    configure_logging(load_settings(log_level="WARNING"), worker="benchmark")
    # Its warnings are about topics that the broker has just made and does not lead yet.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    with apache_stack() as stack:
        report.print_heading(form.rounds)
        for name in options.only:
            found = asyncio.run(PARTS[name](stack, form))
            report.print_rows(found, is_short=is_short)
            rows += found
    missed = report.missed(rows, is_short=is_short)
    sys.exit("\n".join(missed) if options.check and missed else 0)


if __name__ == "__main__":
    main()
