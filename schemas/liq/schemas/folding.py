"""The rule for messages to people: alerts of children are folded into those of the market."""

from bisect import bisect_left
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Level, Scope

GRACE_MS: Final = 2 * SECOND_MS
#: The most cascades and alerts that a `Folding` remembers; the oldest are dropped first.
MAX_REMEMBERED: Final = 20_000
_LEVELS: Final = tuple(Level)
#: An alert below this level is always folded into the market's messages.
_LEAST_ALONE: Final = _LEVELS.index(Level.MODERATE)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Message:
    """An alert that becomes a message to people, and the folded alerts of its children."""

    alert: CascadeAlert
    folded: tuple[CascadeAlert, ...] = ()


def fold(
    arrivals: Iterable[tuple[int, CascadeAlert]], *, grace_ms: int = GRACE_MS
) -> list[Message]:
    """Return the messages for some alerts, in order of arrival.

    An alert with `notify` is a message, unless it is folded. It is folded if its cascade is linked
    to a market cascade with messages, if the link arrives before it or within `grace_ms` after it,
    and if the market's messages cover it (`is_told_by`). The parent's next message then includes
    it; after the parent's last message, the last one. A repeated `alert_id` counts once.

    Args:
        arrivals: alerts in order of arrival, each with its time in ms. Offline, the time is the
            alert's own `timestamp_ms`.
        grace_ms: how long a sender waits for the link of an asset's alert.
    """
    told: dict[str, _Arrival] = {}
    links: dict[str, _Arrival] = {}
    for place, (arrived_ms, alert) in enumerate(arrivals):
        if alert.type is AlertType.LINKED and alert.parent_id is not None:
            links.setdefault(alert.cascade_id, _Arrival(place, arrived_ms, alert))
        elif alert.notify:
            told.setdefault(alert.alert_id, _Arrival(place, arrived_ms, alert))
    of_cascade: dict[str, list[_Arrival]] = defaultdict(list)
    for arrival in told.values():
        of_cascade[arrival.alert.cascade_id].append(arrival)
    parts: dict[int, list[CascadeAlert]] = defaultdict(list)
    folded: set[int] = set()
    for arrival in told.values():
        link = links.get(arrival.alert.cascade_id)
        of_parent = of_cascade.get(link.alert.parent_id or "") if link is not None else None
        if link is None or not of_parent or link.at_ms > arrival.at_ms + grace_ms:
            continue
        # The place in the arrivals from which on the decision is possible.
        known = max(arrival.place, link.place, of_parent[0].place)
        said = (message.alert.level for message in of_parent if message.place <= known)
        if is_told_by(max(said, key=_LEVELS.index), arrival.alert):
            places = [message.place for message in of_parent]
            into = min(bisect_left(places, arrival.place), len(places) - 1)
            parts[places[into]].append(arrival.alert)
            folded.add(arrival.place)
    return [
        Message(arrival.alert, tuple(parts[arrival.place]))
        for arrival in told.values()
        if arrival.place not in folded
    ]


class _Arrival(NamedTuple):
    """An alert, its position among all arrivals, and its time in ms."""

    place: int
    at_ms: int
    alert: CascadeAlert


def is_told_by(said: Level, alert: CascadeAlert) -> bool:
    """Return whether a market's messages, whose highest level is `said`, cover a child's alert.

    They do not cover a start or an escalation of a child that reaches the level `said`, so they
    never cover an extreme child. They always cover a minor child, and the end of any child.
    """
    if alert.type is AlertType.ENDED:
        return True
    return _LEVELS.index(alert.level) < max(_LEVELS.index(said), _LEAST_ALONE)


class Folding:
    """The folding of alerts as they arrive, by the rule of `fold`. Pure: time is passed in.

    Three things differ from `fold`, which knows the whole log. An alert of a single asset becomes a
    message when its grace is over. It stands alone if its market cascade has had no message by
    then. An alert whose market cascade has had its last message becomes part of no message.
    """

    def __init__(self, *, grace_ms: int = GRACE_MS) -> None:
        self._grace_ms = grace_ms
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._links: OrderedDict[str, str] = OrderedDict()
        # The cascades with a message.
        self._told: OrderedDict[str, _Told] = OrderedDict()
        # In order of arrival, which is also the order of the ends of their grace.
        self._held: deque[_Held] = deque()
        self._folded: list[CascadeAlert] = []

    @property
    def due_ms(self) -> int | None:
        """The time from which `advance` returns a message; None while no alert waits."""
        return self._held[0].until_ms + 1 if self._held else None

    def add(self, arrived_ms: int, alert: CascadeAlert) -> list[Message]:
        """Add an alert, and return the messages that are complete by now.

        `arrived_ms` must not decrease from call to call.
        """
        messages = self.advance(arrived_ms)
        if alert.type is AlertType.LINKED and alert.parent_id is not None:
            if alert.cascade_id not in self._links:
                _remember(self._links, alert.cascade_id, alert.parent_id)
                self._fold_into(alert.parent_id)
        elif alert.notify and alert.alert_id not in self._seen:
            _remember(self._seen, alert.alert_id, None)
            if alert.scope is Scope.ASSET:
                self._held.append(_Held(arrived_ms + self._grace_ms, alert))
                self._fold_into(self._links.get(alert.cascade_id, ""))
            else:
                messages.append(self._message(alert))
        return messages

    def advance(self, now_ms: int) -> list[Message]:
        """Return, as messages, the alerts whose grace is over."""
        messages = []
        while self._held and self._held[0].until_ms < now_ms:
            messages.append(self._message(self._held.popleft().alert))
        return messages

    def take_folded(self) -> list[CascadeAlert]:
        """Return the alerts folded since the last call, which become no messages of their own."""
        folded, self._folded = self._folded, []
        return folded

    def _message(self, alert: CascadeAlert) -> Message:
        """Return the message of an alert, with the alerts folded into its cascade so far."""
        told = self._told.pop(alert.cascade_id, None) or _Told(alert.level)
        told.level = max(told.level, alert.level, key=_LEVELS.index)
        _remember(self._told, alert.cascade_id, told)
        self._fold_into(alert.cascade_id)
        folded, told.parts = tuple(told.parts), []
        return Message(alert, folded)

    def _fold_into(self, parent_id: str) -> None:
        """Fold waiting alerts of a cascade's children into its next message, if it has had one."""
        told = self._told.get(parent_id)
        if told is None:
            return
        kept: deque[_Held] = deque()
        for held in self._held:
            if held.is_alone or self._links.get(held.alert.cascade_id) != parent_id:
                kept.append(held)
            elif is_told_by(told.level, held.alert):
                told.parts.append(held.alert)
                self._folded.append(held.alert)
            else:
                # Final, whatever the market's later messages are.
                held.is_alone = True
                kept.append(held)
        self._held = kept


@dataclass(slots=True)
class _Told:
    """The highest level of a cascade's messages, and the alerts to fold into its next one."""

    level: Level
    parts: list[CascadeAlert] = field(default_factory=list)


@dataclass(slots=True)
class _Held:
    """An alert in its grace. `is_alone` is set if its market's messages do not cover it."""

    until_ms: int
    alert: CascadeAlert
    is_alone: bool = False


def _remember(known: OrderedDict[str, _Value], key: str, value: _Value) -> None:
    known[key] = value
    if len(known) > MAX_REMEMBERED:
        known.popitem(last=False)
