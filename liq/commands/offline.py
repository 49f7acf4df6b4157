"""`liq normalize` and `liq detect`: the workers' own functions without Kafka."""

import sys
from typing import BinaryIO

import orjson
import typer

from liq.console import exits_on_configuration_error
from processors.cascades.partition import PartitionDetector
from processors.engine.detect_stage import detector_config
from processors.engine.normalize_stage import normalizer_config
from processors.normalizers import FrameMetadata, load_snapshot
from processors.normalizers import normalize as normalize_frame
from runtime.settings import load_settings
from schemas.capture import CaptureLine, parse_capture_line
from schemas.codec import DecodeError, decode, encode
from schemas.headers import CLOCK_MS
from schemas.records import CascadeAlert, Liquidation, Rejected

NANOSECONDS_PER_MILLISECOND = 1_000_000
EXIT_BROKEN_INPUT = 2


@exits_on_configuration_error
def normalize() -> None:
    """Read capture lines on stdin; write events on stdout and rejected records on stderr.

    Exits with 2 when a line was not a capture line (its number goes to stderr).
    """
    config = normalizer_config(load_settings())
    instruments = load_snapshot()
    broken = 0
    for number, text in enumerate(sys.stdin.buffer, start=1):
        if not text.strip():
            continue
        try:
            line = parse_capture_line(text)
        except DecodeError as error:
            broken += 1
            _write(sys.stderr.buffer, orjson.dumps({"line": number, "broken": str(error)}))
            continue
        for record in normalize_frame(line.frame.encode(), _metadata(line), instruments, config):
            stream = sys.stderr.buffer if isinstance(record, Rejected) else sys.stdout.buffer
            _write(stream, encode(record))
    _end(broken)


@exits_on_configuration_error
def detect() -> None:
    """Read events on stdin in log order; write cascade alerts on stdout.

    A line `{"clock_ms": N}` is a heartbeat. At the end of input, what is still open is ended.
    """
    detector = PartitionDetector(detector_config(load_settings()))
    broken = 0
    for number, text in enumerate(sys.stdin.buffer, start=1):
        if not text.strip():
            continue
        try:
            alerts = _detect_line(detector, text, number)
        except DecodeError as error:
            broken += 1
            _write(sys.stderr.buffer, orjson.dumps({"line": number, "broken": str(error)}))
            continue
        for alert in alerts:
            _write(sys.stdout.buffer, encode(alert))
    for alert in detector.finish():
        _write(sys.stdout.buffer, encode(alert))
    _end(broken)


def _metadata(line: CaptureLine) -> FrameMetadata:
    return FrameMetadata(
        exchange=line.exchange,
        feed=line.feed,
        received_at_ms=line.received_at_ns // NANOSECONDS_PER_MILLISECOND,
        source=line.source,
    )


def _detect_line(detector: PartitionDetector, text: bytes, number: int) -> list[CascadeAlert]:
    if text.startswith(b'{"clock_ms"'):
        clock_ms = orjson.loads(text).get(CLOCK_MS)
        if not isinstance(clock_ms, int):
            raise DecodeError("clock_ms: expected an integer")
        return detector.heartbeat(clock_ms, number)
    return detector.apply(decode(Liquidation, text), number)


def _write(stream: BinaryIO, data: bytes) -> None:
    stream.write(data + b"\n")


def _end(broken: int) -> None:
    sys.stdout.buffer.flush()
    if broken:
        raise typer.Exit(EXIT_BROKEN_INPUT)
