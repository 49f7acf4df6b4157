"""Conversion of an archive's items to events, each once, and to bad lines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from liq.processors.archives.entries import ArchivedEvent, ArchivedFrame, BadLine, Item
from liq.processors.normalizers.context import FrameMetadata, NormalizerConfig
from liq.processors.normalizers.instruments import InstrumentBook
from liq.processors.normalizers.normalize import normalize_imported
from liq.schemas.records import Liquidation, Source
from liq.schemas.vocabulary import Arrival

ORIGIN: Final = "import"


def origin_of(archive: str, name: str) -> str:
    """Return the topic in the source of imported events; the source's offset is the line."""
    return f"{ORIGIN}:{archive}:{name}"


@dataclass(slots=True)
class Importer:
    """The importer of one file; `repeats` counts the repeated events in it.

    `is_new` returns whether an event id has not occurred in the file before.
    """

    origin: str
    instruments: InstrumentBook
    config: NormalizerConfig
    is_new: Callable[[str], bool]
    repeats: int = 0

    def read(self, item: Item) -> Iterator[Liquidation | BadLine]:
        """Yield the new events of an item, and a bad line for each part without an event."""
        if isinstance(item, BadLine):
            yield item
            return
        for result in self._results(item):
            if isinstance(result, BadLine) or self.is_new(result.event_id):
                yield result
            else:
                self.repeats += 1

    def _results(self, item: ArchivedFrame | ArchivedEvent) -> Iterator[Liquidation | BadLine]:
        source = Source(self.origin, 0, item.line)
        if isinstance(item, ArchivedEvent):
            yield replace(item.event, arrival=Arrival.IMPORTED, source=source)
            return
        metadata = FrameMetadata(item.exchange, item.feed, item.received_at_ms, source)
        for result in normalize_imported(
            item.message, item.payload, metadata, self.instruments, self.config
        ):
            if isinstance(result, Liquidation):
                yield result
            else:
                yield BadLine(item.line, result.reason, result.detail)
