"""Closed sets of words that records use."""

from enum import StrEnum


class Side(StrEnum):
    """The position that was liquidated, whatever word the exchange uses for it."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SHORT if self is Side.LONG else Side.LONG


class ContractKind(StrEnum):
    """How a contract's size turns into money."""

    LINEAR = "linear"
    INVERSE = "inverse"
    QUANTO = "quanto"


class PriceKind(StrEnum):
    """What a liquidation's price is; only fills may be compared with a market price."""

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
    """Whether the venue itself called the event a liquidation, or we concluded it."""

    REPORTED = "reported"
    INFERRED = "inferred"


class Arrival(StrEnum):
    """How an event reached the log; everything but live is history to the detector.

    A retried event's frame waited for the metadata of its contract.
    """

    LIVE = "live"
    RETRIED = "retried"
    BACKFILLED = "backfilled"
    COMPLETED = "completed"
    IMPORTED = "imported"


class AlertType(StrEnum):
    """The steps of a cascade's life that are published.

    A watch (topic `liquidations.watch`) is an early, weaker sign for machines, not yet a cascade.
    A linked record says that an asset's cascade is part of a market-wide one.
    """

    WATCH = "CASCADE_WATCH"
    DETECTED = "CASCADE_DETECTED"
    ESCALATED = "CASCADE_ESCALATED"
    UPDATED = "CASCADE_UPDATED"
    ENDED = "CASCADE_ENDED"
    LINKED = "CASCADE_LINKED"


class Level(StrEnum):
    """How serious a cascade has been at its worst."""

    MINOR = "minor"
    MODERATE = "moderate"
    MAJOR = "major"
    EXTREME = "extreme"


class Scope(StrEnum):
    """What a cascade spans: one asset, or the market as a whole."""

    ASSET = "asset"
    MARKET = "market"


class NoBranching(StrEnum):
    """Why no branching ratio is told: sampled feeds, too little so far, or the whole market."""

    NO_COMPLETE_FEED = "no_complete_feed"
    TOO_FEW = "too_few"
    MARKET_WIDE = "market_wide"


class Caveat(StrEnum):
    """Why an alert is not what a detector says that never lost anything.

    `log_replaced`, `state_lost` and `detector_changed` end a cascade early: its log was deleted,
    made again or cut off, what was known of it is lost, or the detector has other settings now.
    `rebuilt` marks the later records of a cascade whose state was lost and rebuilt from the last
    day of the log: the scores may differ.
    """

    LOG_REPLACED = "log_replaced"
    STATE_LOST = "state_lost"
    DETECTOR_CHANGED = "detector_changed"
    REBUILT = "rebuilt"


class RejectReason(StrEnum):
    """Why a raw frame, or one entry of it, gave no liquidation.

    `not_a_liquidation` names a known kind of closure that liquidates nobody's position, and
    `implausible` a value beyond what a whole market holds.
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
    """What happened to a connection with an exchange.

    A storm is reconnecting again and again; the exchange is then left alone for a while. An
    exchange is unread while every frame of it is rejected. A feed has moved when it went on at
    another of its documented addresses. Detection is waiting when a partition of the events topic
    says nothing while others go on: no second of the market is decided until it does. A clock is
    not believed where it contradicts the broker's.
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
