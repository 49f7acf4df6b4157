"""Notes of what the cases found, one JSON line each, for the table in docs/delivery.md."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from tests.faults.verdict import Verdict

#: Where to; nothing is noted without it.
RECORD_FILE: Final = "FAULT_RECORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """One run of one case; `recovery_seconds` is its slowest, None where none was measured."""

    case: str
    loops: int
    frames: int
    events: int
    alerts: int
    lost: int
    repeated: int
    redelivered: int
    unsent: int
    recovery_seconds: float | None
    broker: str
    date: str


def note(
    case: str, verdict: Verdict, *, broker: str, loops: int = 1, recoveries: Sequence[float] = ()
) -> None:
    """Add a case to the file that FAULT_RECORD names."""
    path = os.environ.get(RECORD_FILE)
    if not path:
        return
    record = CaseRecord(
        case=case,
        loops=loops,
        frames=verdict.frames,
        events=verdict.events,
        alerts=verdict.alerts,
        lost=verdict.lost + verdict.silent,
        repeated=verdict.repeated + verdict.changed,
        redelivered=verdict.redelivered,
        unsent=verdict.unsent,
        recovery_seconds=round(max(recoveries), 1) if recoveries else None,
        broker=broker,
        date=datetime.now(UTC).date().isoformat(),
    )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("ab") as file:
        file.write(orjson.dumps(asdict(record)) + b"\n")
