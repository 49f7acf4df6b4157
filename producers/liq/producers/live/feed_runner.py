"""Runner of one feed: lists its markets, spreads them over connections, restarts after errors."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from liq.producers.feeds import FeedSpec
from liq.producers.feeds.plan import plan_connections
from liq.producers.feeds.settings import Target
from liq.producers.live.clock import now_ms
from liq.producers.live.connection import Connection
from liq.producers.live.context import ConnectionContext
from liq.producers.live.listing import ListingError, list_symbols
from liq.producers.live.liveness import ConnectionActivity
from liq.producers.live.status import list_names
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.schemas.vocabulary import FeedEvent

log = get_logger(__name__)


class FeedRunner:
    """Runner of one feed, until cancelled."""

    def __init__(
        self, target: Target, context: ConnectionContext, covered_until_ms: int | None
    ) -> None:
        self.feed: FeedSpec = target.feed
        self._target = target
        self._context = context
        self._covered_until_ms = covered_until_ms
        self._connections: list[Connection] = []
        self._left_out: tuple[str, ...] = ()
        self._timing = context.session.timing

    def renew(self, part: ConnectionActivity | None = None) -> None:
        """Replace the connection of `part`, or every connection, by a new one."""
        for connection in self._connections:
            if part is None or connection.part is part:
                connection.renew(is_silent=True)

    async def exchange(self, old: str | None, new: str | None, detail: str) -> bool:
        """Follow `new` instead of `old`; return whether the feed's only connection does so."""
        if len(self._connections) != 1:
            return False
        return await self._connections[0].exchange(old, new, detail)

    @property
    def refused(self) -> frozenset[str]:
        """The names that the venue refuses."""
        return frozenset(name for each in self._connections for name in each.refused)

    async def run(self) -> None:
        """Run the feed; after an error of our own, log it, count it and start again."""
        failures = 0
        try:
            while True:
                try:
                    await self._run()
                except Exception:
                    # A fault of one feed must not stop another.
                    failures += 1
                    self._covered_until_ms = now_ms(self._context.session.clock)
                    ERRORS.labels("feed").inc()
                    log.exception("feed_failed", feed=self.feed.label)
                    await self._tell_broken("the producer failed inside; see its log")
                    await self._back_off(failures)
        finally:
            if self._covered_until_ms is not None:
                await self._context.reporter.gap(
                    self.feed, self._name, self._covered_until_ms, "not connected at the end"
                )

    async def _run(self) -> None:
        self._connections.clear()
        self._context.session.activity.feeds[self.feed.label].parts.clear()
        async with asyncio.TaskGroup() as group:
            names = self._target.names
            if names is None:
                names = await self._list()
                await self._spread(group, names)
                self._covered_until_ms = None
                while True:
                    await asyncio.sleep(self._timing.relist)
                    await self._add_new(group)
            await self._spread(group, names)
            self._covered_until_ms = None

    async def _spread(self, group: asyncio.TaskGroup, names: tuple[str, ...]) -> None:
        plan = plan_connections(self.feed, names, open_now=len(self._connections))
        for some in plan.groups:
            connection = Connection(self._target, some, self._context, self._covered_until_ms)
            self._connections.append(connection)
            work: Coroutine[Any, Any, None] = connection.run()
            group.create_task(work, name=f"{self.feed.label}-{len(self._connections)}")
        await self._tell_left_out(plan.left_out)

    async def _tell_left_out(self, names: tuple[str, ...]) -> None:
        """Report names for which the venue allows no connection, whenever they change."""
        if names and names != self._left_out:
            detail = f"{len(names)} beyond the venue's limits: {list_names(names)}"
            await self._context.reporter.tell(self.feed, self._name, FeedEvent.REFUSED, detail)
        self._left_out = names

    async def _list(self) -> tuple[str, ...]:
        """Return the markets of our shard; retry with a back-off until the venue lists them."""
        listing = self.feed.listing
        assert listing is not None  # noqa: S101 - names are None only for feeds with a listing
        failures = 0
        while True:
            started_ms = now_ms(self._context.session.clock)
            try:
                listed = await list_symbols(self.feed, listing, self._target.listing_address)
                return self._target.shard.own(self.feed.label, listed)
            except ListingError as error:
                failures += 1
                if not self._connections:
                    self._covered_until_ms = self._covered_until_ms or started_ms
                ERRORS.labels("listing").inc()
                await self._tell_broken(f"the markets could not be listed: {error}")
            await self._back_off(failures)

    async def _back_off(self, failures: int) -> None:
        source = self._context.random_source
        await asyncio.sleep(self._timing.backoff.wait_seconds(failures, source))

    async def _add_new(self, group: asyncio.TaskGroup) -> None:
        """Subscribe to markets that the venue has listed since."""
        known = {name for connection in self._connections for name in connection.names}
        new = tuple(name for name in await self._list() if name not in known)
        if not new or new == self._left_out:
            return
        log.info("markets_listed", feed=self.feed.label, count=len(new), first=new[0])
        # A shard may have had none of the venue's markets until now.
        room = max(0, self._connections[-1].room) if self._connections else 0
        if room:
            self._connections[-1].add(new[:room])
        await self._spread(group, new[room:])

    async def _tell_broken(self, detail: str) -> None:
        await self._context.reporter.tell(
            self.feed, self._name, FeedEvent.LOST, detail, self._covered_until_ms
        )

    @property
    def _name(self) -> str:
        return f"{self._context.slot}:{self.feed.label}"
