"""Requests to one exchange's histories, within its limits and with a bounded number of attempts."""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import aiohttp
import orjson

from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.producers.history.asking import (
    LimitedError,
    RefusedError,
    UnansweredError,
    ask,
    limit_seconds,
)
from liq.producers.history.spec import CallLimit, HistorySpec, Question
from liq.producers.history.timing import HistoryTiming
from liq.producers.live.budget import RateWindow
from liq.producers.live.clock import Clock
from liq.producers.live.listing import ListingError, list_from
from liq.runtime.metrics import HISTORY_REQUESTS
from liq.runtime.retry import Backoff

LOOK_SECONDS: Final = 1.0


class AwayError(Exception):
    """Error of a request that a venue did not answer in several attempts.

    `is_limited`: the venue answered the last attempt that it is asked too often.
    """

    def __init__(self, reason: str, *, is_limited: bool = False) -> None:
        super().__init__(reason)
        self.is_limited = is_limited


@dataclass(frozen=True, slots=True)
class Source:
    """A history with its settings applied."""

    spec: HistorySpec
    address: str
    listing_address: str = ""


class Asker:
    """Client of one exchange's histories; those with an equal limit share one rate window."""

    def __init__(self, clock: Clock, timing: HistoryTiming, client: aiohttp.ClientSession) -> None:
        self._clock = clock
        self._timing = timing
        self._client = client
        self._windows: dict[tuple[int, float], RateWindow] = {}
        self._pause_until = 0.0

    async def subjects(self, source: Source) -> tuple[str, ...]:
        """Return the subjects (markets, families or currencies) that need requests of their own.

        Raises:
            AwayError: the venue did not list them.
        """
        listing = source.spec.listing
        if listing is None:
            return source.spec.subjects
        await self._wait_for_room(source.spec.limit)
        try:
            return await list_from(source.spec.label, listing, source.listing_address)
        except ListingError as error:
            pause = limit_seconds(error.__cause__)
            if pause is not None:
                self._pause_until = self._clock.monotonic() + pause
            raise AwayError(str(error), is_limited=pause is not None) from error

    async def ask(self, source: Source, question: Question) -> bytes:
        """Return the answer to a question.

        Raises:
            RefusedError: the venue refuses the request.
            AwayError: the venue did not answer in several attempts.
        """
        spec = source.spec
        address = source.address + spec.path(question)
        posted = None
        if spec.is_posted:
            posted = orjson.dumps(dict(spec.query(question)))
        elif query := urlencode(spec.query(question)):
            address += f"{'&' if '?' in address else '?'}{query}"
        return await self._answer(spec.exchange, spec.limit, address, posted, spec.max_answer_bytes)

    async def post(self, exchange: str, limit: CallLimit, address: str, posted: bytes) -> bytes:
        """Return the answer to a JSON document that is posted to an address.

        Raises:
            RefusedError, AwayError: as `ask`.
        """
        return await self._answer(exchange, limit, address, posted)

    async def _answer(
        self,
        exchange: str,
        limit: CallLimit,
        address: str,
        posted: bytes | None = None,
        max_bytes: int = MAX_FRAME_BYTES,
    ) -> bytes:
        backoff, limited = Backoff(self._timing.backoff), Backoff(self._timing.limited)
        is_limited = False
        for _ in range(self._timing.attempts):
            await self._wait_for_room(limit)
            try:
                answer = await ask(self._client, address, posted, max_bytes)
            except LimitedError as error:
                HISTORY_REQUESTS.labels(exchange, "limited").inc()
                reason, is_limited = str(error), True
                pause = max(error.seconds, limited.next_seconds())
                self._pause_until = self._clock.monotonic() + pause
            except UnansweredError as error:
                HISTORY_REQUESTS.labels(exchange, "failed").inc()
                reason, is_limited = str(error), False
                await asyncio.sleep(backoff.next_seconds())
            except RefusedError:
                HISTORY_REQUESTS.labels(exchange, "refused").inc()
                raise
            else:
                HISTORY_REQUESTS.labels(exchange, "answered").inc()
                return answer
        raise AwayError(f"{reason}, {self._timing.attempts} times", is_limited=is_limited)

    async def _wait_for_room(self, limit: CallLimit) -> None:
        """Wait until the venue's limit allows one more request, and count it."""
        key = (limit.calls, limit.seconds)
        window = self._windows.get(key)
        if window is None:
            seconds = limit.seconds * self._timing.limit_scale
            window = self._windows[key] = RateWindow(limit.calls, seconds)
        while True:
            now = self._clock.monotonic()
            if now >= self._pause_until and window.has_room(now):
                window.note(now)
                return
            wait = max(self._pause_until - now, min(LOOK_SECONDS, window.seconds / 10))
            await asyncio.sleep(wait)
