"""The reading of one message of an archive; the detector treats its events as history."""

from typing import ClassVar

from liq.processors.normalizers.reading import Reading
from liq.schemas.vocabulary import Arrival


class ImportedReading(Reading):
    """The reading of a message of an archive; its events arrive as `imported`."""

    _arrival: ClassVar[Arrival] = Arrival.IMPORTED
    __slots__ = ()
