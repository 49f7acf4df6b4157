"""The choice between a silent address and a documented alternative: the first with data wins."""

import asyncio
from collections.abc import Iterator

from liq.producers.feeds.settings import Target
from liq.producers.live.session import Session
from liq.producers.live.session_end import SessionEnd


def other_addresses(target: Target, present: str) -> Iterator[str]:
    """Yield the addresses of a feed except the present one, in an endless cycle."""
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
    """Return the first session with data; None at the limit, or if a session ends before."""
    waits = [asyncio.create_task(session.has_data.wait()) for session in (old, new)]
    try:
        await asyncio.wait(
            {*waits, *ends}, timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for wait in waits:
            wait.cancel()
    return next((session for session in (old, new) if session.has_data.is_set()), None)
