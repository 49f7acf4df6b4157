"""The reading of a frame that waited for contracts: only entries of those contracts count."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from liq.processors.normalizers.context import FrameMetadata, NormalizerConfig
from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.instruments import FamilyOf, InstrumentBook
from liq.processors.normalizers.markets import Market
from liq.processors.normalizers.reading import Reading
from liq.schemas.records import Liquidation, Rejected
from liq.schemas.vocabulary import Arrival


class RetriedReading(Reading):
    """The reading of a parked frame; its events arrive as `retried`."""

    _arrival: ClassVar[Arrival] = Arrival.RETRIED
    __slots__ = ("_symbol", "_waited_for")

    def __init__(  # noqa: PLR0913, PLR0917 - as the class it extends
        self,
        frame: bytes,
        metadata: FrameMetadata,
        instruments: InstrumentBook,
        config: NormalizerConfig,
        waiting: dict[str, None] | None,
        waited_for: frozenset[str],
    ) -> None:
        """Create a reading; `waited_for` has the native symbols of the contracts."""
        super().__init__(frame, metadata, instruments, config, waiting)
        # The contract of the present entry; empty before its lookup, None outside of entries.
        self._symbol: str | None = None
        self._waited_for = waited_for

    def contract(
        self, symbol: str, family_of: FamilyOf | None = None, at_ms: int | None = None
    ) -> Market:
        """Resolve a contract, and record it as the contract of the present entry."""
        self._symbol = symbol
        return super().contract(symbol, family_of, at_ms)

    def entries(
        self, entries: Iterable[Any], read: Callable[..., Liquidation | None], *context: Any
    ) -> None:
        """Read entries one by one."""
        for entry in entries:
            self._symbol = ""
            super().entries((entry,), read, *context)
        self._symbol = None

    def reject(self, error: EntryError) -> None:
        """Add a rejection of the whole frame, or of a contract that the frame waited for."""
        if self._symbol is None or self._symbol in self._waited_for:
            super().reject(error)

    def outcome(self) -> list[Liquidation | Rejected]:
        """Return the results of the contracts that the frame waited for."""
        return [
            result
            for result in super().outcome()
            if isinstance(result, Rejected) or result.native_symbol in self._waited_for
        ]
