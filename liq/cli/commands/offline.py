"""`liq normalize` and `liq detect`: the workers' own functions without Kafka."""

import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import typer

from liq.cli.console import exits_on_configuration_error
from liq.cli.given_instruments import instrument_book
from liq.cli.log_replay import LogReplay
from liq.processors.cascades import BasicDetector, DetectorConfig
from liq.processors.normalizers import FrameMetadata, fold_rejections
from liq.processors.normalizers import normalize as normalize_frame
from liq.processors.stages.normalize import normalizer_config
from liq.processors.stages.owned import detector_config
from liq.runtime.settings import load_settings
from liq.schemas.capture import CaptureLine, parse_capture_line
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.headers import CLOCK_MS
from liq.schemas.records import CascadeAlert, Liquidation, Rejected
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import AlertType, Arrival

EXIT_BROKEN_INPUT = 2

DetectLine = Callable[[bytes, int], list[CascadeAlert]]


class Profile(StrEnum):
    """The detectors for a log."""

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
    """Read capture lines on stdin; write events to stdout and rejected records to stderr.

    Exits with 2 if a line was not a capture line (its number goes to stderr).
    """
    config = normalizer_config(load_settings())
    instruments = instrument_book(instruments_file)
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
    """Read events on stdin in log order; write cascade alerts to stdout.

    A line `{"clock_ms": N}` is a heartbeat; its `blind` has the blind venues. At the end of input,
    open cascades end. `liq export --as-detected` writes events in the order in which the workers
    applied them.
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


def _metadata(line: CaptureLine) -> FrameMetadata:
    return FrameMetadata(
        exchange=line.exchange,
        feed=line.feed,
        received_at_ms=line.received_at_ns // MILLISECOND_NS,
        source=line.source,
        rates=line.rates,
        subject=line.subject,
    )


def _with_end(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines, then an empty line with number 0 as the end marker."""
    yield from lines
    yield 0, b""


def _adaptive_lines(config: DetectorConfig) -> DetectLine:
    replay = LogReplay(config)
    return lambda text, place: replay.apply(text, place) if text else replay.finish()


def _basic_lines() -> DetectLine:
    detector = BasicDetector()

    def detect_line(text: bytes, _: int) -> list[CascadeAlert]:
        if not text or text.startswith(b'{"clock_ms"'):
            return []
        event = decode(Liquidation, text)
        # Every detector treats events that did not arrive live as history.
        alert = detector.apply(event) if event.arrival is Arrival.LIVE else None
        return [] if alert is None else [alert]

    return detect_line


def _received_at_ms(text: bytes) -> int:
    """Return a line's time of receipt; invalid lines sort first, and are reported there."""
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
