"""The connections of a feed: its names, spread within the venue's limits."""

from dataclasses import dataclass

from liq.producers.feeds.spec import FeedSpec


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """The names of each connection, and the names that exceed the venue's limits."""

    groups: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...] = ()


def plan_connections(feed: FeedSpec, names: tuple[str, ...], open_now: int = 0) -> ConnectionPlan:
    """Spread names over new connections of a feed that already has `open_now` connections."""
    size = feed.names_a_connection
    groups = tuple(names[start : start + size] for start in range(0, len(names), size))
    allowed = allowed_connections(feed)
    if allowed is None:
        return ConnectionPlan(groups)
    room = max(0, allowed - open_now)
    return ConnectionPlan(groups[:room], names[room * size :])


def allowed_connections(feed: FeedSpec) -> int | None:
    """Return the most connections of a feed; None if the number is not limited.

    One connection of the address stays free, for the replacement of another.
    """
    limits = [
        *([feed.most_connections] if feed.most_connections is not None else []),
        *([feed.limits.connections_per_address - 1] if feed.limits.connections_per_address else []),
    ]
    return min(limits, default=None)
