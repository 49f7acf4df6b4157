"""The recorded captures as records of our topics, for tests of SQL.

The normalizers turn captures into liquidations, and the detector turns those into alerts. The
alerts are stored, so that a change of the detector fails one telling test instead of every query's.
The captures have no lost connection and no bad frame; invented ones are stored beside the alerts.

    python -m tests.support.analytics_data      # detect the alerts again and store them
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.schemas.capture import parse_capture_line
from liq.schemas.codec import encode
from liq.schemas.records import Liquidation, Rejected, Source
from liq.schemas.topics import Topics
from liq.schemas.vocabulary import AlertType
from tests.support.paths import CAPTURES, GOLDEN

STORED = GOLDEN / "analytics"
ALERTS = STORED / "alerts.jsonl.gz"
CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
# How much later a second producer of the same feed received a frame.
SECOND_PRODUCER_DELAY_MS = 37


@cache
def events() -> tuple[Liquidation, ...]:
    """Return the liquidations of all captures."""
    return tuple(event for path in captures() for event in _liquidations(path))


def captures() -> list[Path]:
    """Return the recordings in the order of their names."""
    return sorted(CAPTURES.glob("*.jsonl.gz"))


def detected_alerts() -> list[bytes]:
    """Return the alerts of the present detector, with each capture as a separate log."""
    published: list[bytes] = []
    for path in captures():
        engine = CascadeEngine(DetectorConfig())
        alerts = [
            alert
            for offset, event in enumerate(_liquidations(path))
            for alert in engine.apply(event, offset)
        ]
        alerts += engine.finish()
        published += [encode(alert) for alert in alerts if alert.type is not AlertType.WATCH]
    return published


def stored_alerts() -> list[bytes]:
    """Return the alerts in the tests' tables."""
    return list(_lines(ALERTS))


def store_alerts() -> None:
    """Replace the stored alerts with those of the present detector."""
    text = b"".join(alert + b"\n" for alert in detected_alerts())
    # Without a time, so that the same alerts give the same file.
    ALERTS.write_bytes(gzip.compress(text, mtime=0))


def records(topics: Topics) -> dict[str, Sequence[bytes]]:
    """Return the records that the sink reads, by topic."""
    rejections = _normalized(STORED / "refused_frames.jsonl", "made_up")
    return {
        topics.events: [encode(event) for event in events()],
        topics.cascades: stored_alerts(),
        topics.feeds: list(_lines(STORED / "feeds.jsonl")),
        topics.positions: list(_lines(STORED / "positions.jsonl")),
        topics.rejected: [encode(record) for record in rejections if isinstance(record, Rejected)],
    }


def events_of_a_second_producer() -> list[bytes]:
    """Return the same liquidations from other frames, received a little later."""
    return [
        encode(
            replace(
                event,
                received_at_ms=event.received_at_ms + SECOND_PRODUCER_DELAY_MS,
                source=Source("captures.second", 1, offset),
            )
        )
        for offset, event in enumerate(events())
    ]


def _liquidations(path: Path) -> Iterator[Liquidation]:
    for record in _normalized(path, "captures"):
        if isinstance(record, Liquidation):
            yield record


def _normalized(path: Path, topic: str) -> Iterator[Liquidation | Rejected]:
    book = load_snapshot()
    for offset, line in enumerate(map(parse_capture_line, _lines(path))):
        metadata = FrameMetadata(
            line.exchange,
            line.feed,
            line.received_at_ns // 1_000_000,
            Source(f"{topic}.{path.name}", 0, offset),
        )
        for record in normalize(line.frame.encode(), metadata, book, CONFIG):
            yield replace(record, source=metadata.source)


def _lines(path: Path) -> Iterator[bytes]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as lines:
        for line in lines:
            yield line.strip()


if __name__ == "__main__":
    store_alerts()
