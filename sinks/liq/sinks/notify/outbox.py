"""The messages still to send, by receiver. Pure: a function of the ledger's entries and of time.

A lane contains one receiver's messages in the order of their notices. If the receiver folds, alerts
of assets first wait in the lane's `Folding`. Equal entries yield equal lanes after a restart.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from liq.schemas.folding import Folding
from liq.schemas.folding import Message as FoldedMessage
from liq.schemas.records import CascadeAlert
from liq.schemas.units import DAY_MS
from liq.sinks.notify.messages import Message, compose
from liq.sinks.notify.notices import Notice
from liq.sinks.notify.rules import Receiver, Rules

#: A repeated notice is recognized within this time and number of notices.
REMEMBERED_MS: Final = DAY_MS
MAX_REMEMBERED: Final = 50_000
#: Messages that are cached for other receivers of the same message.
MAX_COMPOSED: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A selected notice, with its times (UTC, ms) and, by receiver, the rule that selected it.

    `arrived_ms` is by this process's clock, and never decreases from entry to entry.
    """

    notice: Notice
    arrived_ms: int
    published_ms: int
    selected: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that waits for one receiver, with the alerts that are folded into it."""

    entry: Entry
    due_ms: int
    folded: tuple[CascadeAlert, ...] = ()

    @property
    def id(self) -> str:
        """The id of the notice and of the message."""
        return self.entry.notice.id


class Composer:
    """A cache of composed messages, which receivers of the same message share."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._composed: OrderedDict[tuple[str, str, tuple[str, ...]], Message] = OrderedDict()

    def compose(self, waiting: Waiting, rule_name: str) -> Message:
        """Return the message of a waiting entry, composed by a rule."""
        key = (waiting.id, rule_name, tuple(alert.alert_id for alert in waiting.folded))
        message = self._composed.get(key)
        if message is None:
            rule = self._rules.rule(rule_name)
            message = compose(
                waiting.entry.notice,
                rule=rule_name,
                template="" if rule is None else rule.template,
                link=self._rules.link,
                folded=waiting.folded,
            )
            self._composed[key] = message
            if len(self._composed) > MAX_COMPOSED:
                self._composed.popitem(last=False)
        return message


class Lane:
    """The messages of one receiver, oldest first."""

    def __init__(self, receiver: Receiver, composer: "Composer") -> None:
        self.receiver = receiver
        self._composer = composer
        self._folding = Folding() if receiver.fold else None
        # Entries in their folding delay, by alert id.
        self._held: dict[str, Entry] = {}
        self._queue: OrderedDict[str, Waiting] = OrderedDict()
        # Settled messages; an earlier process may have settled messages of later entries.
        self._settled: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of messages that may be sent now."""
        return len(self._queue)

    @property
    def first(self) -> Waiting | None:
        """The next message to send."""
        return next(iter(self._queue.values()), None)

    @property
    def due_ms(self) -> int | None:
        """The end of the next folding delay (UTC, ms); None if no message waits for one."""
        return None if self._folding is None else self._folding.due_ms

    @property
    def ids(self) -> Iterator[str]:
        """The ids of all messages that are not settled yet."""
        yield from self._queue
        for entry in self._held.values():
            yield entry.notice.id

    def add(self, entry: Entry) -> None:
        """Add an entry that was selected for this receiver, or that links a cascade."""
        is_selected = self.receiver.name in entry.selected
        alert = entry.notice.record
        if self._folding is None or not isinstance(alert, CascadeAlert):
            if is_selected:
                self._enqueue(Waiting(entry, entry.arrived_ms))
            return
        is_link = entry.notice.is_link
        can_fold = is_selected and alert.notify and not is_link
        if can_fold:
            self._held.setdefault(alert.alert_id, entry)
        elif is_selected:
            self._enqueue(Waiting(entry, entry.arrived_ms))
        if can_fold or is_link:
            self._release(self._folding.add(entry.arrived_ms, alert), entry.arrived_ms)

    def advance(self, now_ms: int) -> None:
        """Release the messages whose folding delay is over."""
        if self._folding is not None:
            self._release(self._folding.advance(now_ms), now_ms)

    def settle(self, message_id: str) -> None:
        """Remove a message that was delivered or given up."""
        self._queue.pop(message_id, None)
        self._settled[message_id] = None
        if len(self._settled) > MAX_REMEMBERED:
            self._settled.popitem(last=False)

    def compose(self, waiting: Waiting) -> Message:
        """Return the message for this receiver."""
        name = waiting.entry.selected.get(self.receiver.name, "")
        return self._composer.compose(waiting, name)

    def _release(self, messages: Iterable[FoldedMessage], due_ms: int) -> None:
        for message in messages:
            entry = self._held.pop(message.alert.alert_id, None)
            if entry is not None:
                self._enqueue(Waiting(entry, due_ms, message.folded))
        if self._folding is not None:
            for alert in self._folding.take_folded():
                self._held.pop(alert.alert_id, None)

    def _enqueue(self, waiting: Waiting) -> None:
        if waiting.id not in self._settled:
            self._queue[waiting.id] = waiting


class Outbox:
    """The lanes of all receivers, and the known notices."""

    def __init__(self, rules: Rules) -> None:
        composer = Composer(rules)
        self.lanes = {name: Lane(each, composer) for name, each in rules.receivers.items()}
        self._known: OrderedDict[str, int] = OrderedDict()

    def __contains__(self, notice_id: str) -> bool:
        """Return whether a notice is already known."""
        return notice_id in self._known

    @property
    def due_ms(self) -> int | None:
        """The time (UTC, ms) at which `advance` is due; None if it is not needed."""
        return min((lane.due_ms for lane in self.lanes.values() if lane.due_ms), default=None)

    def wants(self, notice: Notice) -> bool:
        """Return whether lanes need a notice that no rule selects: a link, if a receiver folds."""
        return notice.is_link and any(lane.receiver.fold for lane in self.lanes.values())

    def add(self, entry: Entry) -> None:
        """Add an entry; a known entry changes nothing."""
        if entry.notice.id in self._known:
            return
        self._known[entry.notice.id] = entry.arrived_ms
        for lane in self.lanes.values():
            lane.advance(entry.arrived_ms)
            lane.add(entry)

    def advance(self, now_ms: int) -> None:
        """Release the messages whose folding delay is over."""
        for lane in self.lanes.values():
            lane.advance(now_ms)

    def settle(self, receiver: str, message_id: str, at_ms: int) -> None:
        """Record that a message was delivered or given up; its receiver may no longer exist."""
        lane = self.lanes.get(receiver)
        if lane is not None:
            lane.advance(at_ms)
            lane.settle(message_id)

    def forget(self, now_ms: int) -> list[str]:
        """Forget old notices that are settled; return their ids."""
        waiting = {notice_id for lane in self.lanes.values() for notice_id in lane.ids}
        surplus = len(self._known) - MAX_REMEMBERED
        forgotten = []
        for place, (notice_id, arrived_ms) in enumerate(self._known.items()):
            if place >= surplus and arrived_ms > now_ms - REMEMBERED_MS:
                break
            if notice_id not in waiting:
                forgotten.append(notice_id)
        for notice_id in forgotten:
            del self._known[notice_id]
        return forgotten
