"""Whole workers on Apache Kafka beside plain aiokafka loops, in one table.

    python -m benchmarks.workers [--form short|long] [--only NAME ...] [--rounds N] [--rate N]
                                 [--check]

    normalize  `liq process normalize` on a backlog: rate, processor time, memory, first output
    detect     the same of `liq process detect`
    delays     the whole pipeline under loads, from an exchange's websocket to events, alerts, rows
    sustained  how far the stages are behind, early in a long load and at its end
    memory     the normalizer's memory on a backlog over 144 partitions
    idle       what each worker takes until it is ready, and in silence

Broker, ClickHouse, workers and loops are processes of their own on this machine. Rounds are
interleaved, and the order alternates. A ratio is ours / plain loop (`peers.py`) of the same round.
The rows about a loop's CPU compare the loop itself with work that is not ours (`yardstick.py`).
Limits are on ratios alone, for rates depend on the machine and on what else runs there
(`report.py`). With `--check` the exit code is 1 when a limit is missed.
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
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), help="instead of the form's")
    parser.add_argument("--rounds", type=int, help="instead of the form's")
    parser.add_argument("--rate", type=int, help="frames a second of `sustained`")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args()
    form, is_short = FORMS[options.form], options.form == "short"
    if options.rounds:
        form = replace(form, rounds=options.rounds, delay_rounds=options.rounds)
    if options.rate:
        [step] = form.sustained
        form = replace(form, sustained=(replace(step, per_second=options.rate),))
    rows: list[Row] = []
    configure_logging(load_settings(log_level="WARNING"), worker="benchmark")
    # It complains of topics that the broker has just made and does not lead yet.
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
