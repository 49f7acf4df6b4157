"""What an aiokafka consumer knows of its partitions without asking the brokers.

The end of a partition is that of its newest fetch answer. aiokafka returns positions by a coroutine
that waits for valid ones, hence the look at its inner parts.
"""

from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer


def unread(consumer: AIOKafkaConsumer, partition: Any) -> int | None:
    """Return how many offsets the broker has beyond what the consumer has given out."""
    state = states(consumer)(partition)
    if state is None or not state.has_valid_position:
        return None
    end = readable_end(state)
    return None if end is None else max(0, end - state.position)


def readable_end(state: Any) -> int | None:
    """Return the end of what may be read: open transactions are not, yet."""
    if state.highwater is None:
        return None
    stable = state.lso
    return int(state.highwater if stable is None or stable < 0 else min(stable, state.highwater))


def states(consumer: AIOKafkaConsumer) -> Callable[[Any], Any]:
    """Return a lookup of what the consumer knows of its assigned partitions."""
    assignment = assignment_of(consumer)
    if assignment is None:
        return lambda _: None
    lookup: Callable[[Any], Any] = assignment.state_value
    return lookup


def assignment_of(consumer: AIOKafkaConsumer) -> Any:
    """Return the assignment, which is another object after each rebalance."""
    subscription = consumer._subscription.subscription  # noqa: SLF001 - see the module's docstring
    return None if subscription is None else subscription.assignment
