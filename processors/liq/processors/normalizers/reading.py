"""The reading of one frame: its context, and the results so far."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from hashlib import blake2b
from typing import Any, ClassVar, Final

from liq.processors.normalizers.building import new_draft
from liq.processors.normalizers.context import FrameMetadata, NormalizerConfig
from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.instruments import FamilyOf, InstrumentBook
from liq.processors.normalizers.markets import ONE, Market
from liq.processors.normalizers.numbers import (
    EXACT,
    MAX_VALUE_USD,
    SMALLEST,
    SMALLEST_PRICE,
    bounded,
    implausible,
    stored,
    stored_quantity,
)
from liq.processors.normalizers.price_levels import price_level
from liq.processors.normalizers.rates import rate_for
from liq.schemas.frame_rates import FrameRate
from liq.schemas.records import SCHEMA_VERSION, Liquidation, Rejected
from liq.schemas.vocabulary import (
    Arrival,
    Completeness,
    ContractKind,
    Evidence,
    PriceKind,
    Side,
)

# A hostile frame of a megabyte may have 100,000 bad entries. The detail of the last kept rejection
# has the number of the dropped ones.
MAX_REJECTIONS: Final = 100
EVENT_ID_BYTES: Final = 16

# Looked up once, because a lookup in an enumeration takes as long as a multiplication.
_LINEAR: Final = ContractKind.LINEAR
_QUANTO: Final = ContractKind.QUANTO
_REPORTED: Final = Evidence.REPORTED

_multiply = EXACT.multiply
_divide = EXACT.divide
_quantize = EXACT.quantize
# Copying an empty hash takes two thirds of the time of creating one.
_new_id = blake2b(digest_size=EVENT_ID_BYTES).copy


class Reading:
    """The collector of the events and rejections of one frame, in the order of its entries."""

    _arrival: ClassVar[Arrival] = Arrival.LIVE
    __slots__ = (
        "_config",
        "_frame",
        "_metadata",
        "_rejections",
        "_seen",
        "_waiting",
        "exchange",
        "instruments",
        "received_at_ms",
        "results",
        "subject",
    )

    def __init__(
        self,
        frame: bytes,
        metadata: FrameMetadata,
        instruments: InstrumentBook,
        config: NormalizerConfig,
        waiting: dict[str, None] | None = None,
    ) -> None:
        self.exchange = metadata.exchange
        self.received_at_ms = metadata.received_at_ms
        self.subject = metadata.subject
        self.instruments = instruments
        self.results: list[Liquidation | Rejected] = []
        self._frame = frame
        self._metadata = metadata
        self._config = config
        self._seen: dict[str, int] | None = None
        self._rejections = 0
        self._waiting = waiting

    def contract(
        self, symbol: str, family_of: FamilyOf | None = None, at_ms: int | None = None
    ) -> Market:
        """Resolve a contract by the metadata valid at a time, by default the time of receipt.

        With `family_of`, an unknown contract has the size of its family.

        Raises:
            EntryError: as `InstrumentBook.market`.
        """
        at_ms = self.received_at_ms if at_ms is None else at_ms
        return self.instruments.market(self.exchange, symbol, at_ms, family_of)

    def entries(
        self, entries: Iterable[Any], read: Callable[..., Liquidation | None], *context: Any
    ) -> None:
        """Read entries one by one; a bad entry is rejected and does not affect the others.

        `read(reading, entry, *context)` returns an event; None if the entry is not a liquidation.
        """
        for entry in entries:
            try:
                event = read(self, entry, *context)
            except EntryError as error:
                self.reject(error)
            else:
                if event is not None:
                    self.results.append(event)

    def add(self, event: Liquidation) -> None:
        """Add the event of a frame with a single entry."""
        self.results.append(event)

    def reject(self, error: EntryError) -> None:
        """Add a rejection with the frame's bytes, or an unknown contract to those to wait for."""
        if error.contract and self._waiting is not None:
            self._waiting[error.contract] = None
            return
        self._rejections += 1
        if self._rejections > MAX_REJECTIONS:
            return
        self.results.append(
            Rejected(
                reason=error.reason,
                detail=error.detail,
                exchange=self.exchange,
                feed=self._metadata.feed,
                received_at_ms=self.received_at_ms,
                payload=self._frame,
                entry=self._rejections - 1,
                source=self._metadata.source,
            )
        )

    def outcome(self) -> list[Liquidation | Rejected]:
        """Return the events and rejections of the frame."""
        if self._rejections > MAX_REJECTIONS:
            self._count_dropped(self._rejections - MAX_REJECTIONS)
        return self.results

    def _count_dropped(self, dropped: int) -> None:
        position, last = max(
            (position, result)
            for position, result in enumerate(self.results)
            if isinstance(result, Rejected)
        )
        detail = f"{last.detail} {dropped} more entries of this frame gave no event either."
        self.results[position] = replace(last, detail=detail)

    def row_id(self, row: str) -> str:
        """Return the id of an event without an id of the venue, from its raw strings.

        `row` is the venue's own text of the symbol, side, price, quantity and exchange time,
        joined by `|`. Identical rows of one frame differ by a counter.
        """
        seen = self._seen
        if seen is None:  # most frames have one row
            self._seen, occurrence = {row: 1}, 0
        else:
            occurrence = seen.get(row, 0)
            seen[row] = occurrence + 1
        event_id = _new_id()
        event_id.update(f"{self.exchange}|{row}|{occurrence}".encode())
        return event_id.digest().hex()

    def own_id(self, identity: str) -> str:
        """Return the id of an event from the venue's own id, `identity`."""
        event_id = _new_id()
        event_id.update(f"{self.exchange}|{identity}".encode())
        return event_id.digest().hex()

    def liquidation(  # noqa: PLR0913, PLR0915, PLR0917 - an object of them would cost time
        self,
        market: Market,
        event_id: str,
        side: Side,
        price: Decimal,
        size: Decimal,
        timestamp_ms: int,
        price_kind: PriceKind,
        completeness: Completeness,
        evidence: Evidence = _REPORTED,
        liquidated_user: str | None = None,
        liquidator: str | None = None,
        *,
        size_is_quote: bool = False,
    ) -> Liquidation:
        """Build the event from the venue's `price` (per contract) and `size` (in contracts).

        With `size_is_quote`, the venue states a linear contract's size in its quote.

        Raises:
            EntryError: invalid_number: a product is outside the storable range; implausible: it
                exceeds what a market can have; unsupported_quote or unsupported_instrument: the
                rate is missing.
        """
        metadata = self._metadata
        rate: FrameRate | None = None
        contract_size = market.contract_size
        amount = size if contract_size is ONE else _multiply(size, contract_size)
        if not market.is_plain or metadata.rates:
            market = market.at(timestamp_ms)
            if market.rate_currency:
                rate = rate_for(market, metadata.rates, self._config.max_rate_age_ms)
            value_usd, quantity, price = _converted(
                market, rate, amount, price, size_is_quote=size_is_quote
            )
        elif market.contract is _LINEAR and not size_is_quote:
            value_usd = _multiply(amount, price)
            # Most products need no rounding, which saves a call.
            if _quantize(value_usd, SMALLEST) != value_usd or value_usd > MAX_VALUE_USD:
                value_usd = stored(value_usd, "The value")
            quantity = amount if contract_size is ONE else stored_quantity(amount)
        else:
            # A size that was parsed is within the storable range already.
            value_usd = amount if contract_size is ONE else stored(amount, "The value")
            quantity = stored_quantity(_divide(amount, price))
        if market.base_power:
            quantity = stored_quantity(quantity.scaleb(market.base_power, EXACT))
            price = stored(price.scaleb(-market.base_power, EXACT), "The price", SMALLEST_PRICE)
        is_institutional = value_usd >= self._config.institutional_threshold_usd
        # The threshold is at most MAX_VALUE_USD, so most events need one comparison only.
        if is_institutional and value_usd > MAX_VALUE_USD:
            raise implausible("The value", value_usd)
        level = price_level(price, market.base, self._config.btc_price_level_step_usd)
        draft = new_draft()
        draft.event_id = event_id
        draft.exchange = self.exchange
        draft.symbol = market.symbol
        draft.native_symbol = market.native_symbol
        draft.base = market.base
        draft.quote = market.quote
        draft.settle = market.settle
        draft.contract = market.contract
        draft.side = side
        draft.price = price
        draft.price_kind = price_kind
        draft.quantity = quantity
        draft.value_usd = value_usd
        draft.timestamp_ms = timestamp_ms
        draft.received_at_ms = self.received_at_ms
        draft.completeness = completeness
        draft.evidence = evidence
        draft.is_institutional = is_institutional
        draft.price_level = level
        draft.liquidated_user = liquidated_user
        draft.liquidator = liquidator
        draft.source = metadata.source
        draft.contract_version = market.version
        if rate is None:
            draft.rate = draft.rate_currency = draft.rate_age_ms = None
        else:
            draft.rate = rate.usd
            draft.rate_currency = rate.currency
            draft.rate_age_ms = rate.age_ms
        draft.arrival = self._arrival
        draft.stamped_at_ms = None
        draft.schema_version = SCHEMA_VERSION
        draft.__class__ = Liquidation
        liquidation: Liquidation = draft
        return liquidation


def _converted(
    market: Market,
    rate: FrameRate | None,
    amount: Decimal,
    price: Decimal,
    *,
    size_is_quote: bool,
) -> tuple[Decimal, Decimal, Decimal]:
    """Return value, quantity and price in dollars; without a rate, the currency is a dollar.

    The `amount` of a quanto contract is in its settlement currency per unit of the price. The price
    of a quanto contract is in dollars already.
    """
    usd = ONE if rate is None else rate.usd
    if market.contract is _QUANTO:
        value_usd = _multiply(_multiply(amount, price), usd)
        quantity = _divide(value_usd, price)
    else:
        is_base = market.contract is _LINEAR and not size_is_quote
        value_usd = _multiply(_multiply(amount, price) if is_base else amount, usd)
        quantity = amount if is_base else _divide(amount, price)
        price = bounded(stored(_multiply(price, usd), "The price", SMALLEST_PRICE), "The price")
    return stored(value_usd, "The value"), stored_quantity(quantity), price
