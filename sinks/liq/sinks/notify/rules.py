"""Rules: which notices go to which receivers, how often and when. `rules_file` parses them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from liq.schemas.records import CascadeAlert, FeedStatus, Liquidation
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, FeedEvent, Level, Scope, Side
from liq.sinks.notify.notices import DetectorReport, Notice, ReceiverReport

LEVELS: Final = tuple(Level)
#: The placeholder for a cascade's id in the address of its page.
CASCADE_ID: Final = "{cascade_id}"
#: Types of alerts that rules select only by name.
QUIET_TYPES: Final = frozenset({AlertType.WATCH, AlertType.UPDATED, AlertType.LINKED})
TOLD_TYPES: Final = frozenset(AlertType) - QUIET_TYPES
#: The meaning of `dead` in a rule: a feed without data, or without readable data.
DEAD_FEED: Final = frozenset(
    {FeedEvent.STALE, FeedEvent.STORM, FeedEvent.REFUSED, FeedEvent.UNREAD}
)


def is_level_or_worse(level: Level, least: Level) -> bool:
    """Return whether a level is at least as serious as another."""
    return LEVELS.index(level) >= LEVELS.index(least)


class Conditions(Protocol):
    """The conditions of a rule."""

    def match(self, notice: Notice) -> bool:
        """Return whether a notice meets the conditions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertConditions:
    """Conditions on cascade alerts. An empty set means every asset, None every side."""

    types: frozenset[AlertType] = TOLD_TYPES
    scopes: frozenset[Scope] = frozenset(Scope)
    level: Level = Level.MINOR
    assets: frozenset[str] = frozenset()
    side: Side | None = None
    dollars: Decimal = Decimal(0)

    def match(self, notice: Notice) -> bool:
        """Return whether a notice is such an alert; `assets` do not apply to the market."""
        alert = notice.record
        return (
            isinstance(alert, CascadeAlert)
            and alert.type in self.types
            and (alert.notify or alert.type in QUIET_TYPES)
            and alert.scope in self.scopes
            and is_level_or_worse(alert.level, self.level)
            and (not self.assets or alert.scope is Scope.MARKET or alert.asset in self.assets)
            and self.side in {None, alert.side}
            and alert.total_value_usd >= self.dollars
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationConditions:
    """Conditions on liquidations of institutional size. An empty set means every asset or venue."""

    assets: frozenset[str] = frozenset()
    venues: frozenset[str] = frozenset()
    side: Side | None = None
    dollars: Decimal = Decimal(0)

    def match(self, notice: Notice) -> bool:
        """Return whether a notice is such a liquidation."""
        event = notice.record
        return (
            isinstance(event, Liquidation)
            and (not self.assets or event.base in self.assets)
            and (not self.venues or event.exchange in self.venues)
            and self.side in {None, event.side}
            and event.value_usd >= self.dollars
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedConditions:
    """Conditions on events of connections to venues. An empty set means every venue."""

    events: frozenset[FeedEvent]
    venues: frozenset[str] = frozenset()

    def match(self, notice: Notice) -> bool:
        """Return whether a notice is such an event."""
        status = notice.record
        return (
            isinstance(status, FeedStatus)
            and status.event in self.events
            and (not self.venues or status.exchange in self.venues)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorConditions:
    """The condition that detection is behind or silent for `patience_seconds`."""

    patience_seconds: int

    def match(self, notice: Notice) -> bool:
        """Return whether a notice is a report with this rule's patience."""
        report = notice.record
        return (
            isinstance(report, DetectorReport) and report.patience_seconds == self.patience_seconds
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverConditions:
    """The condition that another receiver was disabled."""

    def match(self, notice: Notice) -> bool:
        """Return whether a notice reports a receiver."""
        return isinstance(notice.record, ReceiverReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Hours in a time zone in which a rule only passes notices of `unless_level` or worse.

    If `start` is later than `end`, the hours cross midnight.
    """

    start: time
    end: time
    zone: ZoneInfo
    unless_level: Level | None = None

    def silence(self, notice: Notice) -> bool:
        """Return whether the quiet hours suppress a notice, by its time and level."""
        level = notice.level
        if level and self.unless_level and is_level_or_worse(level, self.unless_level):
            return False
        try:
            moment = datetime.fromtimestamp(notice.timestamp_ms / SECOND_MS, UTC)
        except (ValueError, OverflowError, OSError):
            return False  # the time is outside of the calendar
        now = moment.astimezone(self.zone).time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Conditions and the receivers of matching notices. `template` is empty for the default."""

    name: str
    conditions: Conditions
    receivers: tuple[str, ...]
    cool_down_ms: int = 0
    quiet_hours: QuietHours | None = None
    template: str = ""


class Channel(StrEnum):
    """The channel to a receiver."""

    WEBHOOK = "webhook"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A receiver of messages. `url` and `keys` are secrets and never shown.

    With `fold`, alerts of assets wait two seconds for their link to a market cascade. A courier
    gives up a message `give_up_seconds` after it was due, and disables a receiver that fails for
    `disable_seconds`. At most `max_waiting` messages wait.
    """

    name: str
    channel: Channel
    url: SecretStr
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    fold: bool
    timeout_seconds: float
    give_up_seconds: float
    disable_seconds: float
    max_waiting: int
    allow_internal: bool = False
    follow_redirects: bool = False

    @property
    def definition(self) -> str:
        """A digest of the channel, the address and the keys; it reveals no secret."""
        digest = blake2b(digest_size=16)
        for part in (self.channel.encode(), self.url.get_secret_value().encode(), *self.keys):
            digest.update(len(part).to_bytes(4) + part)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The content of the rules file. `link` is a cascade page's address with `{cascade_id}`."""

    receivers: Mapping[str, Receiver]
    rules: tuple[Rule, ...]
    link: str = ""

    def rule(self, name: str) -> Rule | None:
        """Return the rule of a name; None if the file no longer has it."""
        return next((rule for rule in self.rules if rule.name == name), None)
