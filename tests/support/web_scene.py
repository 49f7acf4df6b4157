"""A moment of the recording with three open cascades and many ended ones, for pictures and axe."""

import gzip
import re
import subprocess
from dataclasses import dataclass

import orjson

from liq.devstack.stack import liq_command
from tests.support.paths import CAPTURES

CAPTURE = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
#: 2026-07-10 14:19:10 UTC, half a minute into the cascades of longs.
MOMENT_MS = 1_783_693_150_000
_RECEIVED = re.compile(rb'"received_at_ns":(\d+)')


@dataclass(frozen=True, slots=True)
class Scene:
    """The records of the events and cascades topics up to the moment."""

    events: list[bytes]
    alerts: list[bytes]


def recorded_scene() -> Scene:
    """Return the engine's records for the recording up to the moment."""
    lines = []
    with gzip.open(CAPTURE, "rb") as capture:
        for line in capture:
            found = _RECEIVED.search(line)
            if found is not None and int(found[1]) <= MOMENT_MS * 1_000_000:
                lines.append(line)
    events = _piped(b"".join(lines), "normalize")
    alerts = _piped(events, "detect").splitlines()
    return Scene(
        [line for line in events.splitlines() if b'"event_id"' in line],
        # The end of the input ends cascades; those records are later than the moment.
        [line for line in alerts if orjson.loads(line)["timestamp_ms"] <= MOMENT_MS],
    )


def _piped(text: bytes, command: str) -> bytes:
    return subprocess.run(
        liq_command(command), input=text, capture_output=True, check=True, timeout=120
    ).stdout
