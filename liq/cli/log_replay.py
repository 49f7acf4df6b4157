"""`liq detect` of a log: lines of the events topic, applied as detecting workers apply records.

`liq export --as-detected` writes the partition into each line. Each partition has its own detector,
as with the workers. Lines without a partition belong to one partition.
"""

import re
from typing import Any, Final

import orjson

from liq.processors.cascades import CascadeEngine, DetectorConfig, decode_observation
from liq.processors.cascades.engine import ONLY_SOURCE
from liq.processors.stages.growth import MAX_PARTITIONS, GrowthStep, new_share
from liq.schemas.codec import DecodeError
from liq.schemas.headers import BLIND, CLOCK_MS
from liq.schemas.plausible_time import LATEST_MS
from liq.schemas.records import CascadeAlert

#: In the first line: the partitions of the log.
PARTITIONS: Final = "partitions"
#: In every line: its partition.
PARTITION: Final = "partition"
#: In a line of a growth: the content of the record.
STEP: Final = "growing"

_partition_at_end: Final = re.compile(rb',\s*"partition":\s*([0-9]{1,5})\s*}\s*\Z').search
#: The partition is the last field of an event's line, within this many bytes.
FIELD_BYTES: Final = 40


class LogReplay:
    """The detection of one log, line by line."""

    def __init__(self, config: DetectorConfig) -> None:
        """Start before the first line."""
        self._config = config
        self._engine = CascadeEngine(config)
        self._moved: dict[tuple[str, int], dict[str, bytes]] = {}

    def apply(self, text: bytes, place: int) -> list[CascadeAlert]:
        """Apply a line, and return its alerts; `place` must increase from line to line.

        Raises:
            DecodeError: the line is neither an event nor a heartbeat.
        """
        if not text.startswith(b'{"clock_ms"'):
            found = _partition_at_end(text[-FIELD_BYTES:])
            source = ONLY_SOURCE if found is None else int(found[1])
            return self._engine.apply_view(decode_observation(text), place, source)
        line = _heartbeat(text)
        clock_ms: int = line[CLOCK_MS]
        if PARTITIONS in line:
            self._begin(line[PARTITIONS])
            return []
        source = _count(line.get(PARTITION, ONLY_SOURCE), PARTITION)
        if STEP in line:
            return self._grow(line[STEP], clock_ms, place, source)
        return self._engine.heartbeat(clock_ms, place, line.get(BLIND, ()), source)

    def finish(self) -> list[CascadeAlert]:
        """Decide all ticks and end all cascades, at the end of the log."""
        return self._engine.finish()

    def _begin(self, partitions: Any) -> None:
        if type(partitions) is not list or not partitions:
            raise DecodeError(f"{PARTITIONS}: expected the numbers of partitions")
        sources = [_count(each, PARTITIONS) for each in partitions]
        self._engine = CascadeEngine(self._config, sources)
        self._moved.clear()

    def _grow(self, said: Any, clock_ms: int, place: int, source: int) -> list[CascadeAlert]:
        """Remove assets from a partition at a handoff, and add them at a resumption."""
        step, venues, blind = _step(said)
        detector = self._engine.detector(source)
        share = detector.share = detector.share or new_share(source)
        before_ms = detector.clock_ms
        if step.is_handoff:
            made, leaving = detector.hand_off(step.growth, step.partitions, clock_ms, place)
            for asset, (partition, data) in leaving.items():
                self._moved.setdefault((step.growth, partition), {})[asset] = data
            return self._engine.judge(before_ms, made, source)
        made = detector.heartbeat(clock_ms, place) if clock_ms else []
        if share.resume(step.growth, step.partitions):
            detector.take_in(self._moved.pop((step.growth, source), {}), place)
            detector.learn(venues, blind)
            self._engine.market.grow(step.partitions)
        return self._engine.judge(before_ms, made, source)


def _heartbeat(text: bytes) -> dict[str, Any]:
    try:
        line = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error}") from error
    clock_ms, blind = line[CLOCK_MS], line.get(BLIND, [])
    if type(clock_ms) is not int or not 0 <= clock_ms < LATEST_MS:
        raise DecodeError("clock_ms: expected UTC milliseconds before 2100")
    if type(blind) is not list or not all(type(name) is str for name in blind):
        raise DecodeError("blind: expected the names of venues")
    return dict(line)


def _step(said: Any) -> tuple[GrowthStep, str, str]:
    """Return a step of a growth, and a resumption's clocks of venues and blind venues."""
    try:
        is_handoff, growth, partitions, venues, blind = said
    except (TypeError, ValueError) as error:
        raise DecodeError(f"{STEP}: expected five values") from error
    if not all(type(text) is str for text in (growth, venues, blind)):
        raise DecodeError(f"{STEP}: expected names")
    return GrowthStep(is_handoff is True, growth, _count(partitions, STEP)), venues, blind


def _count(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_PARTITIONS:
        raise DecodeError(f"{name}: expected numbers of partitions up to {MAX_PARTITIONS}")
    return value
