"""From one raw frame to liquidations and rejections."""

import orjson

from liq.processors.normalizers.context import FrameMetadata, NormalizerConfig
from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.instruments import InstrumentBook
from liq.processors.normalizers.reading import Reading
from liq.processors.normalizers.registry import VENUES
from liq.processors.normalizers.retried import RetriedReading
from liq.processors.normalizers.venue import Venue
from liq.schemas.records import Liquidation, Rejected
from liq.schemas.vocabulary import RejectReason


def normalize(
    frame: bytes,
    metadata: FrameMetadata,
    instruments: InstrumentBook,
    config: NormalizerConfig,
    waiting: dict[str, None] | None = None,
) -> list[Liquidation | Rejected]:
    """Read one frame: its liquidations, and one rejection for each entry that cannot be used.

    The same frame and metadata always give the same result, and no bytes make it raise. Control
    frames (acknowledgements, refusals, pongs, heartbeats) give an empty list.

    With `waiting`, the symbols of unknown contracts are added to it, in their order, and their
    entries give no rejection: the frame is to be normalized again once the contracts are known.
    """
    waited_for = metadata.waited_for
    if waited_for is None:
        reading = Reading(frame, metadata, instruments, config, waiting)
    else:
        reading = RetriedReading(frame, metadata, instruments, config, waiting, waited_for)
    try:
        venue = VENUES.get(metadata.exchange)
        feed = None if venue is None else venue.feeds.get(metadata.feed)
        if venue is None or feed is None:
            raise _unknown_feed(metadata, venue)
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


def _unknown_feed(metadata: FrameMetadata, venue: Venue | None) -> EntryError:
    if venue is None:
        return EntryError(
            RejectReason.UNKNOWN_EXCHANGE, f"There is no normalizer for {shown(metadata.exchange)}."
        )
    return EntryError(
        RejectReason.UNKNOWN_MESSAGE, f"{venue.exchange} has no feed {shown(metadata.feed)}."
    )
