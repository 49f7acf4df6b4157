"""What the connections of one exchange share."""

import random
from dataclasses import dataclass

from liq.producers.live.budget import ConnectionBudget, MessageBudget
from liq.producers.live.session import SessionContext
from liq.producers.live.status import FeedReporter
from liq.runtime.retry import CircuitBreaker


@dataclass(frozen=True, slots=True)
class ConnectionContext:
    """What the connections of one exchange share, and how this process calls itself.

    `messages` is the venue's allowance if it counts messages by address; None lets every
    connection have its own.
    """

    session: SessionContext
    reporter: FeedReporter
    breaker: CircuitBreaker
    slot: str
    random_source: random.Random
    connections: ConnectionBudget
    messages: MessageBudget | None = None
