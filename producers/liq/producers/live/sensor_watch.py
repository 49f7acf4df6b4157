"""The selection of sensors while a producer runs: ask candidates' public fills, exchange accounts.

Every 15 seconds one candidate's newest 2,000 fills are requested (`userFills` of the info
endpoint). That costs 120 of the 1,200 units a minute that Hyperliquid allows an address, so four
requests a minute are less than half (hyperliquid.gitbook.io, *rate limits*, read 2026-11).

An exchange happens over the open connection: the old account's subscription ends, then the new
one begins. All other accounts, the vaults among them, stay subscribed, so no gap begins. Each
exchange is a `connected` record of the feed.
"""

import asyncio
from typing import Any, Final, Protocol

import aiohttp

from liq.producers.feeds.settings import Target
from liq.producers.live.clock import Clock, now_ms
from liq.producers.live.listing import ListingError, new_client, post_document
from liq.producers.live.session_end import describe_error
from liq.producers.live.timing import Timing
from liq.producers.sensors import Exchange, SensorPool
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, JOIN_REFUSED, SENSOR_EXCHANGES, SENSORS
from liq.schemas.topics import TAPE

FILLS: Final = "userFills"
TIMEOUT_SECONDS: Final = 10.0
#: 2,000 fills have 1 MiB, or a little more.
MAX_ANSWER_BYTES: Final = 4 * 1_048_576

log = get_logger(__name__)


class Follower(Protocol):
    """The runner of a feed whose names may be exchanged."""

    @property
    def refused(self) -> frozenset[str]:
        """The names that the venue refuses."""

    async def exchange(self, old: str | None, new: str | None, detail: str) -> bool:
        """Follow `new` instead of `old`; return whether the feed's only connection does so."""


def sensor_pool(chosen: tuple[Target, ...], timing: Timing) -> SensorPool | None:
    """Return the pool of sensors of a run; None without the tape, or without room for sensors."""
    fills = next((each for each in chosen if each.feed.name == FILLS and each.spare), None)
    if fills is None or not any(each.feed.name == TAPE for each in chosen):
        return None
    fixed = frozenset(name.lower() for name in fills.names or ())
    return SensorPool(fills.spare, fixed, int(timing.sensor_dwell * 1_000))


def info_address(chosen: tuple[Target, ...]) -> str:
    """Return the address of the info endpoint, which also lists the coins of the tape."""
    return next(each.listing_address for each in chosen if each.feed.name == TAPE)


class SensorWatch:
    """The task that keeps a feed's sensors the best ones."""

    def __init__(
        self, pool: SensorPool, follower: Follower, address: str, clock: Clock, timing: Timing
    ) -> None:
        self._pool = pool
        self._follower = follower
        self._address = address
        self._clock = clock
        self._timing = timing
        self._failures = 0

    async def run(self) -> None:
        """Ask and exchange, until cancelled; a failure is counted and waits longer."""
        while True:
            wait_seconds = self._timing.sensors * float(2 ** min(self._failures, 5))
            await asyncio.sleep(wait_seconds)
            try:
                await self._step()
            except Exception:
                # A fault here must not stop the feeds.
                self._failures += 1
                ERRORS.labels("sensors").inc()
                log.exception("sensors_failed")

    async def _step(self) -> None:
        now = now_ms(self._clock)
        for name in self._pool.note_refused(self._follower.refused, now):
            await self._follower.exchange(name, None, f"no longer follows {name}: refused")
        account = self._pool.next_probe(now)
        if account is not None:
            await self._probe(account)
        change = self._pool.exchange(now_ms(self._clock))
        if change is not None and await self._follower.exchange(*_in_words(change)):
            self._pool.note_exchange(change, now_ms(self._clock))
            SENSOR_EXCHANGES.inc()
        SENSORS.set(len(self._pool.followed))

    async def _probe(self, account: str) -> None:
        try:
            async with new_client(TIMEOUT_SECONDS) as client:
                fills: Any = await post_document(
                    client,
                    self._address,
                    {"type": FILLS, "user": account},
                    MAX_ANSWER_BYTES,
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, ListingError) as error:
            self._failures += 1
            ERRORS.labels("sensors").inc()
            log.warning("sensor_unasked", account=account, error=describe_error(error))
            return
        self._failures = 0
        refused = self._pool.refused
        self._pool.note_fills(account, fills if type(fills) is list else [], now_ms(self._clock))
        JOIN_REFUSED.inc(self._pool.refused - refused)


def _in_words(change: Exchange) -> tuple[str | None, str | None, str]:
    instead = f" instead of {change.old}" if change.old is not None else ""
    return (
        change.old,
        change.new,
        f"follows {change.new}{instead}, whose fills prove {change.usd_an_hour:,} dollars an hour",
    )
