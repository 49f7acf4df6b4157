"""A silent address beside a documented alternative: which of two sessions brings data first."""

import asyncio
from collections.abc import Iterator

from liq.producers.feeds.settings import Target
from liq.producers.live.session import Session, SessionEnd


def other_addresses(target: Target, present: str) -> Iterator[str]:
    """Yield the addresses of a feed but the present one, in turn and again from the first."""
    addresses = (target.address, *target.alternatives)
    others = [address for address in addresses if address != present]
    while others:
        yield from others


async def first_to_talk(
    old: Session,
    new: Session,
    ends: "set[asyncio.Task[SessionEnd]]",
    limit_seconds: float,
) -> Session | None:
    """Return which session brings data first; None at the limit, or if one of them ends."""
    waits = [asyncio.create_task(session.has_data.wait()) for session in (old, new)]
    try:
        await asyncio.wait(
            {*waits, *ends}, timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for wait in waits:
            wait.cancel()
    return next((session for session in (old, new) if session.has_data.is_set()), None)
