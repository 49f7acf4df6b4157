"""What `liq detect` says about the events topic, each partition in the order of its log.

Workers that run ahead of each other write events out of the order of receipt, and repeat some. The
detecting workers see them in the log's order, and so must the offline tool. Partitions are merged
by the clock that each has reached.
"""

from typing import Any

import orjson

from liq.runtime.settings import Settings
from liq.schemas.headers import CLOCK_MS, integer_header
from tests.support.pipeline_log import read_topic, run_offline


def alerts_of_log(settings: Settings) -> list[bytes]:
    """Alerts, a JSON line each."""
    lines: list[tuple[int, int, bytes]] = []
    for partition, records in read_topic(settings, settings.topics.events).items():
        clock_ms = 0
        for record in records:
            line, time_ms = _line(record)
            clock_ms = max(clock_ms, time_ms)
            lines.append((clock_ms, partition, line))
    lines.sort(key=lambda line: line[:2])
    told = run_offline(settings, "detect", data=b"\n".join(line for _, _, line in lines) + b"\n")
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()


def _line(record: Any) -> tuple[bytes, int]:
    if record.value is None:
        clock_ms = integer_header(record.headers, CLOCK_MS) or 0
        return orjson.dumps({CLOCK_MS: clock_ms}), clock_ms
    return record.value, orjson.loads(record.value)["received_at_ms"]
