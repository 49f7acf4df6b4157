"""The next message of a connection: a subscription or a ping, within the venue's limits."""

from dataclasses import dataclass

from liq.producers.live.budget import MessageBudget
from liq.producers.live.liveness import PingSchedule
from liq.producers.live.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Step:
    """The messages to send now: the text of a subscription, a ping, both or neither.

    `is_held` is set if a limit of the venue delays a subscription.
    """

    text: str | None
    is_ping_due: bool
    is_held: bool = False


@dataclass(slots=True)
class Pacer:
    """The pacing of one connection's messages. Times are seconds of a monotonic clock."""

    connection: str
    subscriptions: Subscriptions
    schedule: PingSchedule
    budget: MessageBudget

    def step(self, now: float) -> Step:
        """Return the messages to send now, and count them as sent."""
        is_held = self.subscriptions.is_unsent and not self.budget.admits_request(now)
        text = None if is_held else self.subscriptions.next_text(now)
        if text is not None:
            self.budget.note_request(now)
            self.note_answers()
        is_ping_due = self.budget.admits_message(now) and self.schedule.is_due(now)
        if is_ping_due:
            self.budget.note_message(now)
        return Step(text, is_ping_due, is_held)

    def note_answers(self) -> None:
        """Update the budget's count of unanswered requests."""
        self.budget.set_unanswered(self.connection, self.subscriptions.unanswered_requests)

    def end(self) -> None:
        """Remove the connection's unanswered requests from the budget."""
        self.budget.set_unanswered(self.connection, 0)
