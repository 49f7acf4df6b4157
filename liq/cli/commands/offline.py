"""`liq normalize` and `liq detect`: the workers' own functions without Kafka."""

import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import typer

from liq.cli.console import exits_on_configuration_error
from liq.processors.cascades import (
    BasicDetector,
    CascadeEngine,
    DetectorConfig,
    decode_observation,
)
from liq.processors.normalizers import FrameMetadata, fold_rejections, load_snapshot
from liq.processors.normalizers import normalize as normalize_frame
from liq.processors.normalizers.instruments import parse_instruments
from liq.processors.stages.normalize import normalizer_config
from liq.processors.stages.owned import detector_config
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import load_settings
from liq.schemas.capture import CaptureLine, parse_capture_line
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.headers import CLOCK_MS
from liq.schemas.plausible_time import LATEST_MS
from liq.schemas.records import CascadeAlert, Instrument, Liquidation, Rejected
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import AlertType, Arrival

EXIT_BROKEN_INPUT = 2

DetectLine = Callable[[bytes, int], list[CascadeAlert]]


class Profile(StrEnum):
    """The detectors that a log can be given to."""

    DEFAULT = "default"
    BASIC = "basic"


@exits_on_configuration_error
def normalize(
    instruments_file: Annotated[
        Path | None,
        typer.Option(
            "--instruments", help="Contracts that replace or add to the shipped ones, as JSON."
        ),
    ] = None,
) -> None:
    """Read capture lines on stdin; write events on stdout and rejected records on stderr.

    Exits with 2 when a line was not a capture line (its number goes to stderr).
    """
    config = normalizer_config(load_settings())
    instruments = load_snapshot()
    if instruments_file is not None:
        instruments = instruments.updated(_read_instruments(instruments_file))
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
        results = normalize_frame(line.frame.encode(), _metadata(line), instruments, config)
        for record in fold_rejections(results):
            stream = sys.stderr.buffer if isinstance(record, Rejected) else sys.stdout.buffer
            _write(stream, encode(record))
    _end(broken)


@exits_on_configuration_error
def detect(
    profile: Annotated[
        Profile, typer.Option(help="basic: the simple detector, an alert an event.")
    ] = Profile.DEFAULT,
    explain: Annotated[bool, typer.Option(help="Write sentences instead of JSON.")] = False,
    watches: Annotated[bool, typer.Option(help="Also early, weaker signs.")] = False,
    unordered: Annotated[
        bool,
        typer.Option(help="Sort by time of receipt first: for partitions one after another."),
    ] = False,
    end: Annotated[
        bool,
        typer.Option(help="End what is open at the end of input; workers wait for more instead."),
    ] = True,
) -> None:
    """Read events on stdin in log order; write cascade alerts on stdout.

    A line `{"clock_ms": N}` is a heartbeat. At the end of input, what is still open is ended.
    `liq export --as-detected` writes the order in which the workers detected.
    """
    config = detector_config(load_settings())
    detect_line = _adaptive_lines(config) if profile is Profile.DEFAULT else _basic_lines()
    lines: Iterable[tuple[int, bytes]] = enumerate(sys.stdin.buffer, start=1)
    if unordered:
        lines = sorted(lines, key=lambda line: _received_at_ms(line[1]))
    broken = 0
    for place, (number, text) in enumerate(_with_end(lines) if end else lines):
        if not text.strip() and number:
            continue
        try:
            alerts = detect_line(text, place)
        except DecodeError as error:
            broken += 1
            _write(sys.stderr.buffer, orjson.dumps({"line": number, "broken": str(error)}))
            continue
        for alert in alerts:
            if watches or alert.type is not AlertType.WATCH:
                text_out = alert.explanation.encode() if explain else encode(alert)
                _write(sys.stdout.buffer, text_out)
    _end(broken)


def _read_instruments(path: Path) -> list[Instrument]:
    try:
        return parse_instruments(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise ConfigurationError(
            f"--instruments {path} cannot be used ({error}): give the file that "
            "liq instruments refresh --snapshot or liq export liquidations.instruments writes."
        ) from error


def _metadata(line: CaptureLine) -> FrameMetadata:
    return FrameMetadata(
        exchange=line.exchange,
        feed=line.feed,
        received_at_ms=line.received_at_ns // MILLISECOND_NS,
        source=line.source,
        rates=line.rates,
    )


def _with_end(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The lines, and an empty one with number 0 that says that there are no more."""
    yield from lines
    yield 0, b""


def _adaptive_lines(config: DetectorConfig) -> DetectLine:
    engine = CascadeEngine(config)

    def detect_line(text: bytes, place: int) -> list[CascadeAlert]:
        if not text:
            return engine.finish()
        clock_ms = _clock_ms(text)
        if clock_ms is not None:
            return engine.heartbeat(clock_ms, place)
        return engine.apply_view(decode_observation(text), place)

    return detect_line


def _basic_lines() -> DetectLine:
    detector = BasicDetector()

    def detect_line(text: bytes, _: int) -> list[CascadeAlert]:
        if not text or _clock_ms(text) is not None:
            return []
        event = decode(Liquidation, text)
        # What is late by nature is history to every detector.
        alert = detector.apply(event) if event.arrival is Arrival.LIVE else None
        return [] if alert is None else [alert]

    return detect_line


def _clock_ms(text: bytes) -> int | None:
    if not text.startswith(b'{"clock_ms"'):
        return None
    try:
        clock_ms = orjson.loads(text)[CLOCK_MS]
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error}") from error
    if type(clock_ms) is not int or not 0 <= clock_ms < LATEST_MS:
        raise DecodeError("clock_ms: expected UTC milliseconds before 2100")
    return clock_ms


def _received_at_ms(text: bytes) -> int:
    """When a line was received; broken lines come first, where they are reported."""
    try:
        document = orjson.loads(text)
        return int(document.get("received_at_ms", document.get(CLOCK_MS, 0)))
    except (ValueError, TypeError, AttributeError, OverflowError):
        return 0


def _write(stream: BinaryIO, data: bytes) -> None:
    stream.write(data + b"\n")


def _end(broken: int) -> None:
    sys.stdout.buffer.flush()
    if broken:
        raise typer.Exit(EXIT_BROKEN_INPUT)
