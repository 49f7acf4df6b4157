"""Listing of the contracts of every venue: at start, every hour, and when a frame needs one."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from aiokafka import AIOKafkaProducer

from liq.producers.reference.checks import check_listing, versions
from liq.producers.reference.known import KnownContracts
from liq.producers.reference.sources import ContractSource, SourceError, fetch_contracts
from liq.producers.reference.timing import ReferenceTiming
from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.metrics import LISTED_CONTRACTS, LISTING_AGE, LISTINGS
from liq.runtime.retry import Backoff
from liq.schemas.records import FeedStatus
from liq.schemas.units import DAY_SECONDS, MILLISECOND_NS
from liq.schemas.vocabulary import FeedEvent

# The `feed` of this worker's records on the topic of feeds.
FEED: Final = "contracts"
MAX_DETAIL_CHARACTERS: Final = 500
MINUTE_SECONDS: Final = 60
# Expired contracts remain known for ever. A listing that lacks them this often in a row is what the
# venue has now: it is accepted, and no known contract is removed.
BELIEVED_AFTER: Final = 3

log = get_logger(__name__)
Report = Callable[[FeedStatus], Awaitable[None]]


@dataclass(slots=True)
class _Venue:
    """The listings of a venue: the number of started ones, and the numbers of successful ones."""

    sources: list[ContractSource]
    backoff: Backoff
    begun: int = 0
    succeeded: list[int] = field(default_factory=list)
    listed: int = 0
    accepted_at: float | None = None
    asked_at: float = float("-inf")
    asked: asyncio.Event = field(default_factory=asyncio.Event)


class ContractLister:
    """A service that lists each venue independently, and publishes new contracts.

    `report` publishes a record on the topic of feeds. `slot` is the process's name in it.
    """

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        sources: Sequence[ContractSource],
        *,
        known: KnownContracts,
        producer: AIOKafkaProducer,
        report: Report,
        health: Health,
        timing: ReferenceTiming,
        slot: str,
    ) -> None:
        self._known = known
        self._producer = producer
        self._report = report
        self._health = health
        self._timing = timing
        self._slot = slot
        self._venues: dict[str, _Venue] = {}
        # By address: symbols of the latest accepted listing, and cut-off listings in a row.
        self._listed_before: dict[str, frozenset[str]] = {}
        self._cut_off: Counter[str] = Counter()
        for source in sources:
            venue = self._venues.setdefault(source.exchange, _Venue([], Backoff(timing.backoff)))
            venue.sources.append(source)
        self.show_ages()

    async def run(self) -> None:
        """List for ever; without a venue to list, only wait.

        Raises:
            KafkaError: the brokers reject a record.
        """
        if not self._venues:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            for exchange in self._venues:
                group.create_task(self._run_venue(exchange), name=f"list-{exchange}")

    def ask(self, exchange: str) -> None:
        """Request a listing soon; requests cause at most one listing per `ask_seconds`."""
        if exchange in self._venues:
            self._venues[exchange].asked.set()

    def begun(self, exchange: str) -> int:
        """Return the number of started listings of an exchange."""
        venue = self._venues.get(exchange)
        return 0 if venue is None else venue.begun

    def succeeded_since(self, exchange: str, begun: int) -> int:
        """Return the number of successful listings that started after the first `begun` ones."""
        venue = self._venues.get(exchange)
        return 0 if venue is None else sum(number > begun for number in venue.succeeded)

    def lists(self, exchange: str) -> bool:
        """Return whether the exchange has a list of contracts."""
        return exchange in self._venues

    def show_ages(self) -> None:
        """Show the age of each venue's listing in a metric and in the body of `/readyz`.

        An old listing does not make the worker unready, because known contracts stay in use.
        """
        now = time.monotonic()
        for exchange, venue in self._venues.items():
            if venue.accepted_at is not None:
                age = now - venue.accepted_at
                reason = f"{venue.listed} contracts, listed {_ago(age)} ago"
            else:
                as_of = self._known.newest_as_of(exchange)
                age = _age_seconds(as_of)
                reason = (
                    f"not listed since the start; {len(self._known.of(exchange))} contracts known, "
                    f"the newest of {as_of or 'no date'} ({_ago(age)} old)"
                )
            LISTING_AGE.labels(exchange).set(age)
            self._health.set(f"{FEED}.{exchange}", holds=True, reason=reason)

    async def _run_venue(self, exchange: str) -> None:
        venue = self._venues[exchange]
        while True:
            is_listed = await self._list(exchange, venue)
            if is_listed:
                venue.backoff.reset()
            wait = self._timing.listing_seconds if is_listed else venue.backoff.next_seconds()
            try:
                async with asyncio.timeout(wait):
                    await venue.asked.wait()
                    await asyncio.sleep(
                        venue.asked_at + self._timing.ask_seconds - time.monotonic()
                    )
            except TimeoutError:
                pass
            if venue.asked.is_set():
                venue.asked.clear()
                venue.asked_at = time.monotonic()

    async def _list(self, exchange: str, venue: _Venue) -> bool:
        """List a venue from all its sources; return whether all listings were accepted."""
        venue.begun += 1
        number = venue.begun
        as_of = datetime.now(UTC).date().isoformat()
        results = await asyncio.gather(*(self._accept(one, as_of) for one in venue.sources))
        if None in results:
            return False
        venue.succeeded = [*venue.succeeded[-self._timing.give_up_listings :], number]
        venue.listed = sum(filter(None, results))
        venue.accepted_at = time.monotonic()
        LISTED_CONTRACTS.labels(exchange).set(venue.listed)
        return True

    async def _accept(self, source: ContractSource, as_of: str) -> int | None:
        """Publish a source's new contracts; return its count of contracts, None if refused."""
        exchange = source.exchange
        try:
            listed = await fetch_contracts(source, as_of)
        except SourceError as error:
            LISTINGS.labels(exchange, "failed").inc()
            log.warning("contracts_not_listed", exchange=exchange, detail=str(error))
            return None
        known = self._known.of(exchange)
        expected = {symbol: one for symbol, one in known.items() if source.lists(one)}
        before = self._listed_before.get(source.address)
        if self._cut_off[source.address] >= BELIEVED_AFTER:
            before = frozenset()
        listing = check_listing(listed, expected, source.family_of, before)
        self._cut_off[source.address] += listing.is_cut_off
        if listing.complaint:
            LISTINGS.labels(exchange, "refused").inc()
            await self._refuse(source, listing.complaint)
        if listing.problem:
            return None
        LISTINGS.labels(exchange, "accepted").inc()
        self._cut_off[source.address] = 0
        self._listed_before[source.address] = frozenset(
            one.native_symbol for one in listing.contracts
        )
        _, new = versions(listing.contracts, known, _now_ms())
        await self._known.publish(self._producer, new)
        log.info(
            "contracts_listed",
            exchange=exchange,
            contracts=len(listing.contracts),
            new=len(new),
            refused=len(listing.refusals),
        )
        return len(listing.contracts)

    async def _refuse(self, source: ContractSource, complaint: str) -> None:
        log.warning("contracts_refused", exchange=source.exchange, detail=complaint)
        await self._report(
            FeedStatus(
                exchange=source.exchange,
                feed=FEED,
                connection=f"{self._slot}:{source.exchange}.{FEED}",
                event=FeedEvent.REFUSED,
                timestamp_ms=_now_ms(),
                detail=f"{complaint}; what was known stays"[:MAX_DETAIL_CHARACTERS],
            )
        )


def _now_ms() -> int:
    return time.time_ns() // MILLISECOND_NS


def _age_seconds(as_of: str) -> float:
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        return 0.0
    return max(0.0, (datetime.now(UTC).date() - day).days * float(DAY_SECONDS))


def _ago(seconds: float) -> str:
    """Return a duration as text in seconds, minutes or days."""
    if seconds < 2 * MINUTE_SECONDS:
        return f"{seconds:.0f} s"
    if seconds < 2 * DAY_SECONDS:
        return f"{seconds / MINUTE_SECONDS:.0f} min"
    return f"{seconds / DAY_SECONDS:.0f} days"
