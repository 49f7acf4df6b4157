"""The records on our topics, as immutable values.

Prices, quantities and dollars are `Decimal`. Times are integer milliseconds, UTC. Optional fields
come last and have defaults, so that records written by an older version keep parsing.
"""

from dataclasses import dataclass
from decimal import Decimal

from liq.schemas.vocabulary import (
    AlertType,
    Arrival,
    Caveat,
    Completeness,
    ContractKind,
    EndReason,
    Evidence,
    FeedEvent,
    Level,
    NoBranching,
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


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """The parts of a cascade's risk score, each between 0 and 1."""

    speed: float
    volume: float
    imbalance: float
    concentration: float
    breadth: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeShare:
    """What one venue brought to an asset's cascade, or one asset to a market-wide one.

    `name` is the venue or the asset, `first_ms` the half second of its first liquidation,
    `cell_count` the distinct (symbol, half second) pairs with a liquidation. `usd_share` is its
    share of the cascade's dollars, None in records of before the field.
    """

    name: str
    first_ms: int
    cell_count: int
    value_usd: Decimal
    usd_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeAnalysis:
    """The numbers behind a decision of the detector.

    `surprise` is the log-likelihood ratio, in nats, of the last `surprise_window_seconds` against
    `normal_per_hour`, the lane's own recent rate of cells; `times_normal` is the last ten seconds
    as a multiple of that rate, and `usd_times_normal` their dollars as a multiple of the lane's
    normal dollars in ten seconds (None in records of before the field). Cells a second are bounded,
    and so is `times_normal`; dollars are not. `complete_share` is the share of liquidations that
    came from complete feeds. Of those alone, `endogenous_share` is the share that earlier ones
    triggered and `first_generation` how many none did; both are None where no complete feed takes
    part. `branching_ratio` is how many liquidations one triggers on this asset and side, as far as
    complete feeds have shown by now; where it is None, `no_branching` says why. `late_count`
    liquidations arrived more than ten seconds late. `last_event_ms` is the exchange's time of the
    latest liquidation counted.

    `leader` is the venue (market: asset) whose first liquidation came earliest, `lead_ms` ahead of
    the next one's, in half seconds (market: seconds) of the exchanges' clocks. Both are None where
    there is only one, or two are first.
    """

    surprise: float
    surprise_window_seconds: int
    normal_per_hour: float
    times_normal: float
    cell_count: int
    shares: tuple[CascadeShare, ...]
    complete_share: float
    largest_usd: Decimal
    peak_second_usd: Decimal
    peak_ten_seconds_usd: Decimal
    peak_window_usd: Decimal
    last_event_ms: int = 0
    late_count: int = 0
    endogenous_share: float | None = None
    first_generation: float | None = None
    branching_ratio: float | None = None
    no_branching: NoBranching | None = None
    leader: str | None = None
    lead_ms: int | None = None
    usd_times_normal: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadePrice:
    """How far the price of one contract has moved since a cascade's onset.

    All prices are of one kind, venue and symbol, for prices of several do not compare. `first` is
    the first one since the onset and `now` the newest, with the exchange's times. `move_bps` is the
    distance from the first to the newest, in basis points of the first.
    """

    kind: PriceKind
    exchange: str
    symbol: str
    first: Decimal
    first_ms: int
    now: Decimal
    now_ms: int
    move_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeEstimate:
    """What was liquidated in truth, where venues publish a sample: an estimate with a range.

    A venue's dollars are divided by the share of dollars that its kind of sampling keeps, as
    measured on a complete feed (docs/detection.md). The range begins at what was published. Fewer
    than one cascade in ten lies above it, as far as the venues of `not_estimated` have no part.
    Dollars of venues whose sampling nobody has measured count as published, and `not_estimated`
    names these venues.
    """

    value_usd: Decimal
    low_usd: Decimal
    high_usd: Decimal
    not_estimated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeEvents:
    """Which liquidations a cascade's record counts; their ids are a query on the events.

    Liquidations of `asset` (empty: of any) and `side` with `timestamp_ms` from `from_ms` up to but
    not `to_ms`, received before `received_before_ms`, with the arrival `live`.
    """

    asset: str
    side: Side
    from_ms: int
    to_ms: int
    received_before_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeAlert:
    """A step in the life of one cascade (topic `liquidations.cascades`).

    `cascade_id` stays the same from detection to end; `alert_id` is the same for the same step
    however often it is delivered. `sequence` counts a cascade's records from 0. Totals run from
    `started_at_ms`, the estimated onset, to `timestamp_ms`, the end of the second of the decision
    (an end: to `ended_at_ms`), and are what venues published: a lower bound. `long_ratio` is the
    longs' share of the dollars that were liquidated in the asset over the detection window.
    Scores go from 0 to 100. `asset` is empty for the whole market.

    `notify` is false where a person need not be told: updates and links. `level` and `risk_score`
    are those of the second of the decision (an end: the worst). `explanation` is a sentence.
    `end_reason` is null but for an end that the log brought (older detectors: for every record).
    `continue_probability` is that of as much again as the total, and at least $250k, within 60 s of
    `timestamp_ms`, `expected_more_usd` what is expected in that time; an end has neither.

    A `CASCADE_LINKED` record says that an asset's cascade became part of a market-wide one on its
    side, `parent_id`. It repeats the numbers and the `sequence` of the cascade's newest record at
    that time, and uses no sequence number of its own; `timestamp_ms` is the end of the second in
    which the link was decided. No other record has a `parent_id` (older detectors wrote it on every
    later record of the cascade). `children` of a market cascade are the cascades linked to it, at
    most 256. `liq.schemas.folding` folds the messages of children into the market's.

    `usd_per_second` is the mean of the last ten seconds (an end: of the worst ones). `blind` names
    the venues of which nothing was received at that time: `okx`, or `binance:coinm` where only that
    feed was away. `price_first` and `price_last` are those of `price`; without one, they are prices
    of whatever was liquidated first and last, or 0.
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
    notify: bool = True
    parent_id: str | None = None
    children: tuple[str, ...] = ()
    level: Level = Level.MINOR
    analysis: CascadeAnalysis | None = None
    explanation: str = ""
    caveat: Caveat | None = None
    end_reason: EndReason | None = None
    continue_probability: float | None = None
    expected_more_usd: Decimal | None = None
    price: CascadePrice | None = None
    usd_per_second: Decimal | None = None
    estimate: CascadeEstimate | None = None
    blind: tuple[str, ...] = ()
    events: CascadeEvents | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class PulseSlice:
    """What one second of event time brought."""

    second_ms: int
    event_count: int
    value_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What one second of the log brought to one side of one asset (topic `liquidations.pulse`).

    The market-wide detector reads nothing else. `timestamp_ms` is the end of that second of the
    log's clock; `slices` lay the liquidations out by their own time. For one asset and side,
    `timestamp_ms` only ever rises, so a repeat can be recognised. `blind` are the venues of which
    nothing was received then.
    """

    asset: str
    side: Side
    timestamp_ms: int
    slices: tuple[PulseSlice, ...]
    exchanges: tuple[str, ...]
    complete_count: int
    largest_event_id: str
    largest_usd: Decimal
    blind: tuple[str, ...] = ()
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
class Undelivered:
    """A notification that was given up (topic `liquidations.undelivered`).

    `payload` is the body that a webhook would have got (base64 in JSON). `receiver` and
    `message_id` are empty for a record that could not be read, whose bytes `payload` then is.
    """

    receiver: str
    message_id: str
    reason: str
    detail: str
    timestamp_ms: int
    payload: bytes
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """Something that happened to a connection (topic `liquidations.feeds`).

    For a gap, `from_ms` and `to_ms` bound the time in which frames may be missing. While a
    connection is down, its records have the `from_ms` that its gap will have.

    The end of a gap's repair (`filled`, `partly`, `unrecoverable`) has the gap's feed, connection
    and bounds. `row_count` is how many liquidations the venue's history has within it (of
    gaps that were repaired together: within all of them),
    `request_count` how many requests were answered; None in other records. A record
    `connected` has both times if another producer received the feed meanwhile: there is no gap.
    """

    exchange: str
    feed: str
    connection: str
    event: FeedEvent
    timestamp_ms: int
    detail: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    row_count: int | None = None
    request_count: int | None = None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionStatus:
    """How far detection is (topic `liquidations.status`), every five seconds while it runs.

    The worker that detects on the whole market writes it, also when nothing arrives. A quiet market
    has records that go on and times that go on; where the times stand still, nothing reaches
    detection or it does not decide; where no record comes, detection is dead.

    `timestamp_ms` is the worker's clock. `assets_decided_until_ms` and `market_decided_until_ms`
    are of the log's clock: every second before is decided, for single assets and for the whole
    market. The slowest partition sets both: an asset in another one may be decided further.
    `behind_ms` is `timestamp_ms` less the earlier of both (of a log that is replayed, its
    age), and `behind_records` is what of the slowest partition is not committed as decided. These
    are None while nobody knows them.

    `partition_count` is the number of partitions of the events topic, `assigned_count` how many of
    them this worker has, and `waiting_partitions` (16 at most) are those that say nothing while
    others go on.
    """

    detector: str
    worker: str
    timestamp_ms: int
    partition_count: int
    assigned_count: int
    assets_decided_until_ms: int | None = None
    market_decided_until_ms: int | None = None
    behind_ms: int | None = None
    behind_records: int | None = None
    slowest_partition: int | None = None
    waiting_partitions: tuple[int, ...] = ()
    schema_version: int = SCHEMA_VERSION
