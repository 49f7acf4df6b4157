"""The normalization of one raw frame to liquidations and rejections."""

from typing import Any

import orjson

from liq.processors.normalizers.backfilled import BackfilledReading, CompletedReading
from liq.processors.normalizers.context import FrameMetadata, NormalizerConfig
from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.imported import ImportedReading
from liq.processors.normalizers.instruments import InstrumentBook
from liq.processors.normalizers.reading import Reading
from liq.processors.normalizers.registry import LATE_FEEDS, VENUES
from liq.processors.normalizers.retried import RetriedReading
from liq.processors.normalizers.venue import Feed, Venue
from liq.schemas.records import Liquidation, Rejected
from liq.schemas.vocabulary import Arrival, RejectReason


def normalize(
    frame: bytes,
    metadata: FrameMetadata,
    instruments: InstrumentBook,
    config: NormalizerConfig,
    waiting: dict[str, None] | None = None,
) -> list[Liquidation | Rejected]:
    """Return the liquidations of one frame, and one rejection for each unusable entry.

    The result depends on the arguments only, and no bytes raise an exception. Control frames
    (acknowledgements, refusals, pongs, heartbeats) give an empty list.

    With `waiting`, the symbols of unknown contracts are added to it, in order, and their entries
    give no rejection: the caller normalizes the frame again once the contracts are known.
    """
    reading = _new_reading(frame, metadata, instruments, config, waiting)
    try:
        venue, feed = _feed_of(metadata)
        try:
            message = orjson.loads(frame)
        except orjson.JSONDecodeError as error:
            if frame in venue.control_texts:
                return []
            raise EntryError(
                RejectReason.NOT_JSON, f"The frame is not JSON: {shown(str(error))}."
            ) from error
        feed.read(reading, message)
    except EntryError as error:
        reading.reject(error)
    return reading.outcome()


def normalize_imported(
    message: Any,
    payload: bytes,
    metadata: FrameMetadata,
    instruments: InstrumentBook,
    config: NormalizerConfig,
) -> list[Liquidation | Rejected]:
    """Return the results of one parsed message of an archive, like `normalize`.

    Its events arrive as `imported`. `payload` has the archive's own bytes, which a rejection keeps.
    """
    reading = ImportedReading(payload, metadata, instruments, config)
    try:
        _, feed = _feed_of(metadata)
        feed.read(reading, message)
    except EntryError as error:
        reading.reject(error)
    return reading.outcome()


def _new_reading(
    frame: bytes,
    metadata: FrameMetadata,
    instruments: InstrumentBook,
    config: NormalizerConfig,
    waiting: dict[str, None] | None,
) -> Reading:
    waited_for = metadata.waited_for
    if waited_for is not None:
        return RetriedReading(frame, metadata, instruments, config, waiting, waited_for)
    arrival = LATE_FEEDS.get((metadata.exchange, metadata.feed))
    if arrival is Arrival.BACKFILLED:
        return BackfilledReading(frame, metadata, instruments, config, waiting)
    if arrival is Arrival.COMPLETED:
        return CompletedReading(frame, metadata, instruments, config, waiting)
    return Reading(frame, metadata, instruments, config, waiting)


def _feed_of(metadata: FrameMetadata) -> tuple[Venue, Feed]:
    venue = VENUES.get(metadata.exchange)
    feed = None if venue is None else venue.feeds.get(metadata.feed)
    if venue is None or feed is None:
        raise _unknown_feed(metadata, venue)
    return venue, feed


def _unknown_feed(metadata: FrameMetadata, venue: Venue | None) -> EntryError:
    if venue is None:
        return EntryError(
            RejectReason.UNKNOWN_EXCHANGE, f"There is no normalizer for {shown(metadata.exchange)}."
        )
    return EntryError(
        RejectReason.UNKNOWN_MESSAGE, f"{venue.exchange} has no feed {shown(metadata.feed)}."
    )
