"""Cascade alerts and their parts."""

from dataclasses import dataclass
from decimal import Decimal

from liq.schemas.records.source import SCHEMA_VERSION
from liq.schemas.vocabulary import (
    AlertType,
    Caveat,
    EndReason,
    Level,
    NoBranching,
    PriceKind,
    Scope,
    Side,
)


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
