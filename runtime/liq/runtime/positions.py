"""Positions of a consumer, read without waiting (aiokafka's own `position` is a coroutine)."""

from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer


def unread(consumer: AIOKafkaConsumer, partition: Any) -> int | None:
    """Return the number of offsets between the consumer's position and the high watermark.

    Records of open transactions count. Aborted records and markers do not count once the position
    has passed them. Returns None before the first fetch, and for a partition that is not assigned.
    """
    state = states_of(consumer)(partition)
    if state is None or not state.has_valid_position or state.highwater is None:
        return None
    return max(0, int(state.highwater) - int(state.position))


def readable_end(state: Any) -> int | None:
    """Return the end of readable records: the last stable offset, or the high watermark."""
    if state.highwater is None:
        return None
    stable = state.lso
    return int(state.highwater if stable is None or stable < 0 else min(stable, state.highwater))


def position_of(consumer: AIOKafkaConsumer, partition: Any) -> int:
    """Return the offset of the next record to poll; -1 without a valid position."""
    state = states_of(consumer)(partition)
    return -1 if state is None or not state.has_valid_position else int(state.position)


def states_of(consumer: AIOKafkaConsumer) -> Callable[[Any], Any]:
    """Return a function from an assigned partition to aiokafka's state of it."""
    assignment = assignment_of(consumer)
    if assignment is None:
        return lambda _: None
    lookup: Callable[[Any], Any] = assignment.state_value
    return lookup


def assignment_of(consumer: AIOKafkaConsumer) -> Any:
    """Return aiokafka's assignment, a new object after each rebalance; None without one."""
    subscription = consumer._subscription.subscription  # noqa: SLF001 - see the module
    return None if subscription is None else subscription.assignment
