"""The records on our topics, as immutable values.

Prices, quantities and dollars are `Decimal`. Times are integer milliseconds, UTC. Optional fields
come last and have defaults, so that records written by an older version keep parsing.
"""

from dataclasses import dataclass
from decimal import Decimal

from schemas.vocabulary import (
    AlertType,
    Completeness,
    ContractKind,
    Evidence,
    FeedEvent,
    PriceKind,
    RejectReason,
    Scope,
    Side,
)

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Source:
    """The raw record that an event came from."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """One forced closure of a position (topic `liquidations.events`).

    `symbol` is the base asset followed by USDT for every USD-like quote, so that venues can be
    compared; `native_symbol` is the venue's own. `quantity` is in units of the base asset,
    `price` in dollars for one unit of it, `value_usd` in dollars (USD-like quotes count 1:1).
    `timestamp_ms` is the exchange's clock, `received_at_ms` the producer's.
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
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """The parts of a cascade's risk score, each between 0 and 1."""

    speed: float
    volume: float
    imbalance: float
    concentration: float
    breadth: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeAlert:
    """A step in the life of one cascade (topic `liquidations.cascades`).

    `cascade_id` stays the same from detection to end; `alert_id` is the same for the same step
    however often it is delivered. `sequence` counts a cascade's records from 0. Totals run from
    `started_at_ms` to `timestamp_ms`. `long_ratio` is the longs' share of the dollars that were
    liquidated in the asset over the detection window. Scores go from 0 to 100.
    """

    alert_id: str
    cascade_id: str
    sequence: int
    type: AlertType
    scope: Scope
    asset: str
    side: Side
    started_at_ms: int
    timestamp_ms: int
    event_count: int
    total_value_usd: Decimal
    long_ratio: float
    exchanges: tuple[str, ...]
    symbols: tuple[str, ...]
    risk_score: float
    score_parts: ScoreParts
    basic_risk_score: float
    price_first: Decimal
    price_last: Decimal
    largest_event_ids: tuple[str, ...]
    detector: str
    ended_at_ms: int | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A raw frame, or one entry of it, that gave no event (topic `liquidations.rejected`).

    `payload` is the frame's exact bytes (base64 in JSON). `entry` counts the rejections of one
    frame from 0, so that (source, entry) identifies the record.
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
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """Something that happened to a connection (topic `liquidations.feeds`).

    For a gap, `from_ms` and `to_ms` bound the time in which frames may be missing.
    """

    exchange: str
    feed: str
    connection: str
    event: FeedEvent
    timestamp_ms: int
    detail: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What a venue's symbol stands for (topic `liquidations.instruments`).

    A size of 1 on the wire is `contract_size` units of the base asset for a linear contract,
    and `contract_size` units of the quote currency for an inverse one. `as_of` is the ISO date
    on which the values were true.
    """

    exchange: str
    native_symbol: str
    base: str
    quote: str
    settle: str
    contract: ContractKind
    contract_size: Decimal
    as_of: str
    schema_version: int = SCHEMA_VERSION
