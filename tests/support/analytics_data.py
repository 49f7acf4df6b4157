"""The recorded captures as records of our topics, for tests of what SQL says of them.

Liquidations come from the captures through the normalizers. Alerts are stored, so that a change
of a detector does not change what the views are expected to say. The captures hold no broken
connection and no bad frame: those few are made up and stored beside the alerts.
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.schemas.capture import parse_capture_line
from liq.schemas.codec import encode
from liq.schemas.records import Liquidation, Rejected, Source
from liq.schemas.topics import Topics
from tests.support.paths import CAPTURES, GOLDEN

STORED = GOLDEN / "analytics"
CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
# How much later a second producer of the same feed received a frame.
SECOND_PRODUCER_DELAY_MS = 37


@cache
def events() -> tuple[Liquidation, ...]:
    """The liquidations of all captures."""
    return tuple(
        record
        for path in sorted(CAPTURES.glob("*.jsonl.gz"))
        for record in _normalized(path, "captures")
        if isinstance(record, Liquidation)
    )


def records(topics: Topics) -> dict[str, Sequence[bytes]]:
    """What the sink reads, by topic."""
    rejections = _normalized(STORED / "refused_frames.jsonl", "made_up")
    return {
        topics.events: [encode(event) for event in events()],
        topics.cascades: list(_lines(STORED / "alerts.jsonl.gz")),
        topics.feeds: list(_lines(STORED / "feeds.jsonl")),
        topics.rejected: [encode(record) for record in rejections if isinstance(record, Rejected)],
    }


def events_of_a_second_producer() -> list[bytes]:
    """The same liquidations out of other frames, received a little later."""
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
