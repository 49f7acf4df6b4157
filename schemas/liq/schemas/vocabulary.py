"""The enumerations of records."""

from enum import StrEnum


class Side(StrEnum):
    """The side of the liquidated position, whatever word the exchange uses."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SHORT if self is Side.LONG else Side.LONG


class ContractKind(StrEnum):
    """The kind of a contract, which determines how its size converts to dollars."""

    LINEAR = "linear"
    INVERSE = "inverse"
    QUANTO = "quanto"


class PriceKind(StrEnum):
    """The kind of a liquidation's price; only fills are comparable with market prices."""

    AVERAGE_FILL = "average_fill"
    FILL = "fill"
    BANKRUPTCY = "bankruptcy"
    ORDER = "order"
    MARK = "mark"


class Completeness(StrEnum):
    """How much of a venue's liquidations its feed publishes."""

    COMPLETE = "complete"
    SAMPLED = "sampled"
    BACKSTOP = "backstop"


class Evidence(StrEnum):
    """Whether the venue calls the event a liquidation, or the engine concluded it."""

    REPORTED = "reported"
    INFERRED = "inferred"


class Arrival(StrEnum):
    """How an event reached the log; the detector treats all but live events as history.

    The frame of a retried event waited for the metadata of its contract.
    """

    LIVE = "live"
    RETRIED = "retried"
    BACKFILLED = "backfilled"
    COMPLETED = "completed"
    IMPORTED = "imported"


class AlertType(StrEnum):
    """The published steps of a cascade.

    A watch (topic `liquidations.watch`) is an early, weaker sign for machines, not yet a cascade.
    A linked record joins an asset's cascade to a market cascade.
    """

    WATCH = "CASCADE_WATCH"
    DETECTED = "CASCADE_DETECTED"
    ESCALATED = "CASCADE_ESCALATED"
    UPDATED = "CASCADE_UPDATED"
    ENDED = "CASCADE_ENDED"
    LINKED = "CASCADE_LINKED"


class Level(StrEnum):
    """The severity of a cascade."""

    MINOR = "minor"
    MODERATE = "moderate"
    MAJOR = "major"
    EXTREME = "extreme"


class Scope(StrEnum):
    """The scope of a cascade: one asset, or the whole market."""

    ASSET = "asset"
    MARKET = "market"


class NoBranching(StrEnum):
    """Why a branching ratio is absent: sampled feeds, too few liquidations, or the whole market."""

    NO_COMPLETE_FEED = "no_complete_feed"
    TOO_FEW = "too_few"
    MARKET_WIDE = "market_wide"


class EndReason(StrEnum):
    """Why a cascade ended.

    `quiet`: no tick was hot for the quiet time. `level_shift`: the rate stayed high for so long
    that it is the usual one now. `time_limit`: a cascade stays open for at most an hour.
    """

    QUIET = "quiet"
    LEVEL_SHIFT = "level_shift"
    TIME_LIMIT = "time_limit"


class Caveat(StrEnum):
    """Why an alert may differ from that of a detector with complete state.

    `log_replaced`, `state_lost` and `detector_changed` end a cascade early: its log was deleted,
    created again or cut off, its state is lost, or the detector has other settings now. `rebuilt`
    marks the later records of a cascade whose state was lost and rebuilt from the last day of the
    log: its scores may differ.
    """

    LOG_REPLACED = "log_replaced"
    STATE_LOST = "state_lost"
    DETECTOR_CHANGED = "detector_changed"
    REBUILT = "rebuilt"


class RejectReason(StrEnum):
    """Why a raw frame, or one entry of it, gave no liquidation.

    `not_a_liquidation` is a known kind of closure that liquidates no position. `implausible` is a
    value that exceeds that of a whole market.
    """

    NOT_JSON = "not_json"
    UNKNOWN_EXCHANGE = "unknown_exchange"
    UNKNOWN_MESSAGE = "unknown_message"
    MISSING_FIELD = "missing_field"
    INVALID_NUMBER = "invalid_number"
    INVALID_SIDE = "invalid_side"
    INVALID_SYMBOL = "invalid_symbol"
    INVALID_TIMESTAMP = "invalid_timestamp"
    CONTRADICTORY_SIDE = "contradictory_side"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    UNSUPPORTED_QUOTE = "unsupported_quote"
    UNSUPPORTED_INSTRUMENT = "unsupported_instrument"
    OVERSIZE = "oversize"
    NOT_A_LIQUIDATION = "not_a_liquidation"
    IMPLAUSIBLE = "implausible"


class FeedEvent(StrEnum):
    """The kind of a feed record: an event of a feed, a connection or the pipeline.

    A storm is a series of reconnects, after which the producer pauses. An exchange is unread while
    all its frames are rejected. A feed has moved when it continues at another of its documented
    addresses. Detection is waiting if a partition of the events topic has no records while others
    advance: until it has, no second of the market is decided. A clock is not believed if it
    contradicts the broker's. Events are growing during the pause for more partitions, and have
    grown afterwards. The repair of a gap ends as filled, partly filled or unrecoverable.
    """

    CONNECTED = "connected"
    LOST = "lost"
    GAP = "gap"
    STALE = "stale"
    REFUSED = "refused"
    STORM = "storm"
    UNREAD = "unread"
    MOVED = "moved"
    WAITING = "waiting"
    CLOCK = "clock"
    GROWING = "growing"
    GROWN = "grown"
    FILLED = "filled"
    PARTLY = "partly"
    UNRECOVERABLE = "unrecoverable"

    @property
    def ends_repair(self) -> bool:
        """Whether the event is the end of a gap's repair."""
        return self in {FeedEvent.FILLED, FeedEvent.PARTLY, FeedEvent.UNRECOVERABLE}
