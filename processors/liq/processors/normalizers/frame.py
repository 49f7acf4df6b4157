"""What is known of a raw frame besides its bytes."""

from dataclasses import dataclass

from liq.schemas.records import Source


@dataclass(frozen=True, slots=True)
class FrameMetadata:
    """Where a frame came from and when.

    `feed` is the venue's endpoint as the producer names it (`usdm`, `linear`, `public`, ...).
    `received_at_ms` is the producer's UTC clock; `source` is the raw record, absent when the
    frame did not come out of Kafka.
    """

    exchange: str
    feed: str
    received_at_ms: int
    source: Source | None = None
