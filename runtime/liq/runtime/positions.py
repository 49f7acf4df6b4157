"""Where a consumer is in its partitions, without waiting: aiokafka's `position` is a coroutine."""

from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer


def unread(consumer: AIOKafkaConsumer, partition: Any) -> int | None:
    """Return how many offsets the broker has beyond what the consumer has given out.

    What an open transaction holds back counts; what was aborted does not, nor do markers. None
    before the first fetch, and for a partition that is not assigned.
    """
    state = states_of(consumer)(partition)
    if state is None or not state.has_valid_position or state.highwater is None:
        return None
    return max(0, int(state.highwater) - int(state.position))


def readable_end(state: Any) -> int | None:
    """Return the end of what may be read: open transactions are not, yet."""
    if state.highwater is None:
        return None
    stable = state.lso
    return int(state.highwater if stable is None or stable < 0 else min(stable, state.highwater))


def position_of(consumer: AIOKafkaConsumer, partition: Any) -> int:
    """Return the offset after what the consumer has given out; -1 where it has none."""
    state = states_of(consumer)(partition)
    return -1 if state is None or not state.has_valid_position else int(state.position)


def states_of(consumer: AIOKafkaConsumer) -> Callable[[Any], Any]:
    """Return a lookup of what the consumer knows of its assigned partitions."""
    assignment = assignment_of(consumer)
    if assignment is None:
        return lambda _: None
    lookup: Callable[[Any], Any] = assignment.state_value
    return lookup


def assignment_of(consumer: AIOKafkaConsumer) -> Any:
    """Return the assignment, which is another object after each rebalance."""
    subscription = consumer._subscription.subscription  # noqa: SLF001 - see the module
    return None if subscription is None else subscription.assignment
