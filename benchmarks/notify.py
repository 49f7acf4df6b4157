"""Notifications: from an alert on the topic to the webhook that received it.

    python -m benchmarks.notify [--seconds 20] [--alerts 50] [--receivers 10] [--check]

Everything runs on this machine: a broker, one worker, and one process for all receivers except one,
which does not listen. Times depend on the machine's other load; processor time depends on it less.
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from benchmarks.running_worker import RunningWorker
from liq.devstack.broker import choose_broker
from liq.devstack.options import load_stack_options
from liq.devstack.supervisor import Supervisor
from liq.runtime.settings import load_settings
from liq.runtime.topics import ensure_topics
from tests.support.notify_flow import Traffic, running, wait_until

WARM_UP_SECONDS = 3
ARRIVE_SECONDS = 120
#: The limit of --check for 99 % of the messages, at 50 alerts a second and ten receivers.
LIMIT_SECONDS = 1.0


def percentile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--alerts", type=float, default=50)
    parser.add_argument("--receivers", type=int, default=10)
    parser.add_argument("--check", action="store_true", help="fail beyond the limit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = load_stack_options(embedded_data_dir=Path(folder) / "stack", embedded_kafka_port=0)
        with Supervisor(Path(folder) / "broker-logs") as supervisor:
            broker = choose_broker(stack, supervisor)
            os.environ |= broker.start().environment
            measure(Path(folder), options)
            broker.stop()


def measure(folder: Path, options: argparse.Namespace) -> None:
    settings = load_settings(topic_partitions=12, log_format="json")
    asyncio.run(ensure_topics(settings, ()))
    names = [f"receiver-{number}" for number in range(options.receivers - 1)]
    with running(settings, folder, names, dead=["dead"]) as (worker, receivers):
        traffic = Traffic(settings, options.alerts)
        traffic.start()
        wait_until(lambda: len(traffic.sent) > WARM_UP_SECONDS * options.alerts, worker.tend, 60)
        process = RunningWorker(worker.port)
        cpu_before, first, began = process.cpu_seconds(), len(traffic.sent), time.monotonic()
        settled_before = len(receivers.notes())
        ends_at = began + options.seconds
        wait_until(lambda: time.monotonic() >= ends_at, worker.tend, options.seconds + 10)
        elapsed = time.monotonic() - began
        traffic.stop()
        wanted = {step.alert_id for step in traffic.sent[first:]}
        wait_until(
            lambda: (
                sum(note["id"] in wanted for note in receivers.notes()) >= len(wanted) * len(names)
            ),
            worker.tend,
            ARRIVE_SECONDS,
        )
        cpu_seconds = process.cpu_seconds() - cpu_before
        settled = len(receivers.notes()) - settled_before
        seconds = sorted(
            note["at"] - traffic.published_at[note["id"]]
            for note in receivers.notes()
            if note["id"] in wanted
        )
        print(f"alerts a second         {len(wanted) / elapsed:8.1f}")
        print(f"messages delivered      {len(seconds):8d}")
        for share in (0.5, 0.9, 0.99, 1.0):
            print(f"seconds, {share:4.0%} within     {percentile(seconds, share):8.3f}")
        print(f"CPU ms a message        {1000 * cpu_seconds / settled:8.3f}")
        print(f"load of this machine    {os.getloadavg()[0]:8.1f}")
        slowest = percentile(seconds, 0.99)
        if options.check and slowest > LIMIT_SECONDS:
            raise SystemExit(f"99 % took up to {slowest:.3f} s, and {LIMIT_SECONDS:g} is the limit")


if __name__ == "__main__":
    main()
