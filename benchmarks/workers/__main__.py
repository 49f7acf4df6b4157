"""Whole workers on Apache Kafka beside plain aiokafka loops, in one table.

    python -m benchmarks.workers [--form short|long] [--only NAME ...] [--load NAME ...]
                                 [--rounds N] [--rate N] [--check]

    normalize  `liq process normalize` on a backlog: rate, processor time, memory, first output
    detect     the same for `liq process detect`
    delays     the whole pipeline under loads, from an exchange's websocket to events, alerts, rows
    sustained  the lag of the stages, early in a long load and at its end
    memory     each stage's memory on a backlog over 144 raw partitions
    idle       each worker's use of time and memory until it is ready, and in silence
    takeover   the take-over of a detector's state, new and after a month of checkpoints
    lanes      the rate of one partition (which has all of an asset), and of the market's lane

Broker, ClickHouse, workers and loops are separate processes on this machine. Rounds are
interleaved, and the order alternates. A ratio is ours / plain loop (`peers.py`) of the same round.
The rows about a loop's CPU compare the loop itself with independent work (`yardstick.py`). Limits
are on ratios, because rates depend on the machine and its other load, and on memory and processor
time, which hardly depend on them (`report.py`). With `--check` the exit code is 1 if a limit is
missed.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.workers import report
from benchmarks.workers.parts import FORMS, PARTS
from benchmarks.workers.report import Row
from liq.devstack.options import load_stack_options
from liq.devstack.stack import Stack
from liq.runtime.logs import configure_logging
from liq.runtime.settings import load_settings


@contextmanager
def apache_stack() -> Iterator[Stack]:
    """Start Apache Kafka and ClickHouse in a temporary folder."""
    os.environ["KAFKA"] = "apache"
    with tempfile.TemporaryDirectory() as folder:
        options = load_stack_options(embedded_data_dir=Path(folder))
        with Stack(options) as stack:
            yield stack


def main() -> None:
    """Measure, print the table, and check the limits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--form", choices=tuple(FORMS), default="long")
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), help="instead of the form's")
    loads = tuple(FORMS["long"].loads)
    parser.add_argument("--load", nargs="+", choices=loads, help="of `delays`, in the long form")
    parser.add_argument("--rounds", type=int, help="instead of the form's")
    parser.add_argument("--rate", type=int, help="frames a second of `sustained`")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args()
    form, is_short = FORMS[options.form], options.form == "short"
    if options.load:
        form = replace(form, loads={load: FORMS["long"].loads[load] for load in options.load})
    if options.rounds:
        form = replace(form, rounds=options.rounds, delay_rounds=options.rounds)
    if options.rate:
        [step] = form.sustained
        form = replace(form, sustained=(replace(step, per_second=options.rate),))
    rows: list[Row] = []
    configure_logging(load_settings(log_level="WARNING"), worker="benchmark")
    # aiokafka logs errors about topics that the broker has just created and does not lead yet.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with apache_stack() as stack:
        report.print_heading(form.rounds, form.delay_rounds)
        for name in options.only or form.parts:
            found = asyncio.run(PARTS[name](stack, form))
            report.print_rows(found, is_short=is_short)
            rows += found
    missed = report.missed(rows, is_short=is_short)
    sys.exit("\n".join(missed) if options.check and missed else 0)


if __name__ == "__main__":
    main()
