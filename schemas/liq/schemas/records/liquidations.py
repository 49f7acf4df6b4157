"""Liquidations, what sizes and dollars are read with, rejected frames, and open positions."""

from dataclasses import dataclass
from decimal import Decimal

from liq.schemas.records.source import SCHEMA_VERSION, Source
from liq.schemas.vocabulary import (
    Arrival,
    Completeness,
    ContractKind,
    Evidence,
    PriceKind,
    RejectReason,
    Side,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """One forced closure of a position (topic `liquidations.events`).

    `symbol` is the base asset followed by USDT for every USD-like quote, so that venues can be
    compared, and by the quote's currency for any other; `native_symbol` is the venue's own.
    `quantity` is in units of the base asset, `price` in dollars for one unit of it, whatever the
    venue's `quote`, `value_usd` in dollars (USD-like quotes on their peg count 1:1).
    `timestamp_ms` is the exchange's clock, `received_at_ms` the producer's as far as the log
    believes it. Where it does not, `received_at_ms` is the time at which the broker appended the
    frame, and `stamped_at_ms` what the producer said, if that was a time.

    `contract_version` names the contract metadata that sizes were read with; None where the symbol
    says all. `rate` is the dollars of one `rate_currency` that `value_usd` was computed with, and
    `rate_age_ms` the rate's age when the frame was received; None where nothing was converted.
    """

    event_id: str
    exchange: str
    symbol: str
    native_symbol: str
    base: str
    quote: str
    settle: str
    contract: ContractKind
    side: Side
    price: Decimal
    price_kind: PriceKind
    quantity: Decimal
    value_usd: Decimal
    timestamp_ms: int
    received_at_ms: int
    completeness: Completeness
    evidence: Evidence
    is_institutional: bool
    price_level: Decimal
    liquidated_user: str | None = None
    liquidator: str | None = None
    source: Source | None = None
    contract_version: str | None = None
    rate: Decimal | None = None
    rate_currency: str | None = None
    rate_age_ms: int | None = None
    arrival: Arrival = Arrival.LIVE
    stamped_at_ms: int | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What a venue's symbol stands for (topic `liquidations.instruments`).

    A size of 1 on the wire is `contract_size` units of the base asset for a linear contract,
    `contract_size` units of the quote currency for an inverse one, and for a quanto one
    `contract_size` units of the settlement currency for each unit of the price.
    `as_of` is the ISO date on which the values were true. `valid_from_ms` is the time from which
    they hold; None is since the contract was listed.
    """

    exchange: str
    native_symbol: str
    base: str
    quote: str
    settle: str
    contract: ContractKind
    contract_size: Decimal
    as_of: str
    valid_from_ms: int | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one unit of a currency was worth in dollars (topic `liquidations.rates`).

    `timestamp_ms` is the time at which it was true, UTC; `source` says where it came from: the
    engine's own events, or the name of a ticker.
    """

    currency: str
    usd: Decimal
    timestamp_ms: int
    source: str
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """Why one entry of a frame gave no event. `entry` counts the rejections of a frame from 0."""

    entry: int
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A raw frame of which something gave no event (topic `liquidations.rejected`).

    `payload` is the frame's exact bytes (base64 in JSON). `reason`, `detail` and `entry` are those
    of the first entry. A frame with several bad entries has them all in `entries`, the first one
    included; a frame with one has no `entries`. Writers before 2026-12 published a record for each
    bad entry, so (source, stage, entry) identifies a record.
    """

    reason: RejectReason
    detail: str
    exchange: str
    feed: str
    received_at_ms: int
    payload: bytes
    stage: str = "normalize"
    entry: int = 0
    source: Source | None = None
    entries: tuple[RejectedEntry, ...] = ()
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """An open position in a venue's snapshot of accounts (topic `liquidations.positions`).

    `timestamp_ms` is the time at which the engine received the snapshot, UTC: it is the same for
    all positions of one. `position_id` is the same for an account and symbol in every snapshot,
    and does not tell the account. `quantity` is in units of the base, prices are dollars of one
    unit, and `value_usd` is quantity times mark price. `liquidation_price` is the venue's
    estimate; None if it states none.
    """

    position_id: str
    exchange: str
    symbol: str
    native_symbol: str
    base: str
    side: Side
    quantity: Decimal
    value_usd: Decimal
    mark_price: Decimal
    timestamp_ms: int
    liquidation_price: Decimal | None = None
    entry_price: Decimal | None = None
    schema_version: int = SCHEMA_VERSION
