"""Enforcement of a venue's limits by the local exchange."""

import time
from collections import deque
from dataclasses import dataclass, field

from liq.producers.feeds import Limits, LimitScope

MINUTE_SECONDS = 60.0
HOUR_SECONDS = 3_600.0


@dataclass
class LimitKeeper:
    """Counters of clients' messages, which record violated limits.

    `scale` shortens minutes and hours, so that a test need not wait for them. All clients count as
    one address.
    """

    limits: Limits
    scale: float = 1.0
    violations: list[str] = field(default_factory=list)
    _messages: dict[object, deque[float]] = field(default_factory=dict)
    _unanswered: dict[object, int] = field(default_factory=dict)

    def take_message(self, client: object, *, is_request: bool) -> None:
        """Count a message of a client, and record the limits that it violates."""
        now = time.monotonic()
        who = None if self.limits.scope is LimitScope.ADDRESS else client
        times = self._messages.setdefault(who, deque())
        times.append(now)
        for limit, seconds in (
            (self.limits.messages_per_second, 1.0),
            (self.limits.messages_per_minute, MINUTE_SECONDS * self.scale),
        ):
            count = sum(now - each < seconds for each in times)
            self._judge(limit, count, f"messages in {seconds:g} s")
        if is_request:
            self._unanswered[who] = self._unanswered.get(who, 0) + 1
            self._judge(self.limits.unanswered_requests, self._unanswered[who], "unanswered")

    def note_answer(self, client: object) -> None:
        """Count a request as answered."""
        who = None if self.limits.scope is LimitScope.ADDRESS else client
        self._unanswered[who] = max(0, self._unanswered.get(who, 0) - 1)

    def judge_subscriptions(self, count: int) -> None:
        """Record a violation if a connection has more subscriptions than the venue allows."""
        self._judge(self.limits.subscriptions_per_connection, count, "subscriptions")
        self._judge(self.limits.subscriptions_per_channel, count, "subscriptions of a channel")

    def judge_connections(self, count: int) -> None:
        """Record a violation if the address has more connections than the venue allows."""
        self._judge(self.limits.connections_per_address, count, "connections")

    def _judge(self, limit: int | None, count: int, what: str) -> None:
        if limit is not None and count > limit:
            self.violations.append(f"{count} {what}, {limit} allowed")
