"""Subscriptions of a connection: the requests to send, and the venue's answers to them.

A venue may refuse a request of many symbols because of one bad symbol. The connection then requests
each half, until the bad symbol is alone in its request and is left out.

One name may be exchanged for another while the connection lasts. The old name's subscription ends
before the new one begins, so a venue's limit of names is kept.
"""

from collections import deque
from dataclasses import dataclass, field

from liq.producers.feeds import FeedSpec, Received, request
from liq.producers.live.timing import DEFAULT_TIMING


@dataclass(slots=True)
class _Request:
    number: int
    names: tuple[str, ...]
    unanswered: set[str]
    sent_at: float = 0.0


@dataclass(slots=True)
class Subscriptions:
    """The subscriptions of one connection. Times are seconds of a monotonic clock.

    `refused` maps a name that is left out to the reason; `never_answered` has the names without
    any answer of the venue.
    """

    feed: FeedSpec
    names: tuple[str, ...]
    acknowledge_seconds: float = DEFAULT_TIMING.acknowledge
    refused: dict[str, str] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    never_answered: set[str] = field(default_factory=set)
    _waiting: deque[tuple[str, ...]] = field(default_factory=deque)
    _pending: dict[int, _Request] = field(default_factory=dict)
    _count: int = 0
    _to_end: deque[str] = field(default_factory=deque)
    _ending: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Divide the names into requests, or accept them where the address subscribes."""
        if self.feed.subscribe is None:
            self.accepted.update(self.names)
            return
        size = self.feed.names_per_request
        self._waiting.extend(
            self.names[start : start + size] for start in range(0, len(self.names), size)
        )

    def next_text(self, now: float) -> str | None:
        """Return the next request to send and count it as sent, or None if there is none.

        No subscription begins while another is ending.
        """
        if self._to_end and self.feed.unsubscribe is not None:
            name = self._to_end.popleft()
            self._ending[name] = now
            self._count += 1
            return self.feed.unsubscribe((name,), self._count)
        subscribe = self.feed.subscribe
        if subscribe is None or not self._waiting or self._ending:
            return None
        names = self._waiting.popleft()
        self._count += 1
        self._pending[self._count] = _Request(self._count, names, set(names), now)
        return subscribe(names, self._count)

    def exchange(self, old: str | None, new: str | None) -> None:
        """End the subscription of `old`, and subscribe to `new` after it."""
        if old is not None:
            self.refused.pop(old, None)
            if old in self.accepted or old in self.never_answered:
                self._to_end.append(old)
            self.accepted.discard(old)
            self.never_answered.discard(old)
            self._waiting = deque(names for names in self._waiting if names != (old,))
        if new is not None:
            self._waiting.append((new,))
        kept = (name for name in self.names if name != old)
        self.names = (*kept, new) if new is not None else tuple(kept)

    def take(self, received: Received) -> bool:
        """Apply an answer; return True for a refusal that matches a request or names nothing."""
        for name in received.ended:
            self._ending.pop(name, None)
        for token in received.acknowledged:
            self._acknowledge(token)
        return bool(received.refusal) and self._refuse(received)

    @property
    def is_unsent(self) -> bool:
        """Whether a request is yet to be sent."""
        return bool(self._waiting or self._to_end)

    @property
    def unanswered_requests(self) -> int:
        """How many requests were sent and have no answer yet."""
        return len(self._pending)

    @property
    def is_complete(self) -> bool:
        """Whether every request has its answer and something was accepted."""
        return not self._waiting and not self._pending and bool(self.accepted)

    @property
    def is_refused(self) -> bool:
        """Whether every request has its answer and nothing was accepted."""
        return not self._waiting and not self._pending and not self.accepted

    def overdue(self, now: float) -> tuple[str, ...]:
        """Return unanswered names whose request is older than `acknowledge_seconds`."""
        return tuple(
            name
            for pending in self._pending.values()
            if now - pending.sent_at >= self.acknowledge_seconds
            for name in pending.names
            if name in pending.unanswered
        )

    def end_overdue(self, now: float) -> None:
        """Count subscriptions as ended whose end is not answered within `acknowledge_seconds`."""
        for name, since in list(self._ending.items()):
            if now - since >= self.acknowledge_seconds:
                del self._ending[name]

    def give_up(self, names: tuple[str, ...], reason: str) -> None:
        """Leave out unanswered names, with a reason."""
        for number, pending in list(self._pending.items()):
            for name in names:
                if name in pending.unanswered:
                    pending.unanswered.discard(name)
                    self.refused[name] = reason
                    self.never_answered.add(name)
            if not pending.unanswered:
                del self._pending[number]

    def accept(self, names: tuple[str, ...]) -> None:
        """Count unanswered names as accepted."""
        for name in names:
            self._acknowledge(name)

    def _acknowledge(self, token: str) -> None:
        for number, pending in list(self._pending.items()):
            if token == request(number):
                self.accepted.update(pending.unanswered)
                pending.unanswered.clear()
            elif token in pending.unanswered:
                pending.unanswered.discard(token)
                self.accepted.add(token)
            else:
                continue
            if not pending.unanswered:
                del self._pending[number]

    def _refuse(self, received: Received) -> bool:
        """Apply a refusal; without names it is of the oldest request, as venues answer in order."""
        is_news = not received.refused
        if is_news and self._pending:
            self._refuse_request(min(self._pending), received.refusal)
        for token in received.refused:
            for number, pending in list(self._pending.items()):
                if token == request(number):
                    is_news = True
                    self._refuse_request(number, received.refusal)
                elif token in pending.unanswered:
                    is_news = True
                    pending.unanswered.discard(token)
                    self.refused[token] = received.refusal
                    if not pending.unanswered:
                        del self._pending[number]
        return is_news

    def _refuse_request(self, number: int, refusal: str) -> None:
        pending = self._pending.pop(number)
        names = tuple(name for name in pending.names if name in pending.unanswered)
        if len(names) == 1:
            self.refused[names[0]] = refusal
            return
        half = len(names) // 2
        self._waiting.extend((names[:half], names[half:]))
