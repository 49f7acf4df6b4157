"""The next thing that a connection sends: a subscription or a ping, within the venue's limits."""

from dataclasses import dataclass

from liq.producers.live.budget import MessageBudget
from liq.producers.live.liveness import PingSchedule
from liq.producers.live.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Step:
    """What to send now: the text of a subscription, a ping, both or nothing.

    `is_held` says that a limit of the venue holds a subscription back.
    """

    text: str | None
    is_ping_due: bool
    is_held: bool = False


@dataclass(slots=True)
class Pacer:
    """Decides each step of one connection. Times are seconds of a monotonic clock."""

    connection: str
    subscriptions: Subscriptions
    schedule: PingSchedule
    budget: MessageBudget

    def step(self, now: float) -> Step:
        """Return what to send now, and count it as sent."""
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
        """Bring the budget's count of unanswered requests up to date."""
        self.budget.set_unanswered(self.connection, self.subscriptions.unanswered_requests)

    def end(self) -> None:
        """Forget the connection's unanswered requests: its end answers them all."""
        self.budget.set_unanswered(self.connection, 0)
