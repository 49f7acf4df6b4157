"""The context that the connections of one exchange share."""

import random
from dataclasses import dataclass

from liq.producers.live.budget import ConnectionBudget, MessageBudget
from liq.producers.live.session import SessionContext
from liq.producers.live.status import FeedReporter
from liq.runtime.retry import CircuitBreaker


@dataclass(frozen=True, slots=True)
class ConnectionContext:
    """The objects that the connections of one exchange share, and the slot of the process.

    `messages` is the common budget of a venue that counts messages by address; None gives every
    connection its own.
    """

    session: SessionContext
    reporter: FeedReporter
    breaker: CircuitBreaker
    slot: str
    random_source: random.Random
    connections: ConnectionBudget
    messages: MessageBudget | None = None
