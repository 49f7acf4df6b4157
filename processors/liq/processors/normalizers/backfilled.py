"""The reading of one answer of a venue's history; the detector treats its events as history."""

from typing import ClassVar

from liq.processors.normalizers.reading import Reading
from liq.schemas.vocabulary import Arrival


class BackfilledReading(Reading):
    """The reading of an answer that fills a gap; its events arrive as `backfilled`."""

    _arrival: ClassVar[Arrival] = Arrival.BACKFILLED
    __slots__ = ()


class CompletedReading(Reading):
    """The reading of an answer that completes a live feed; its events arrive as `completed`."""

    _arrival: ClassVar[Arrival] = Arrival.COMPLETED
    __slots__ = ()
