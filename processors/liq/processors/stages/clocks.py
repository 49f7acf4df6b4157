"""Reports of clocks that are not believed, one per episode.

The rule is pure and uses the log's time. An episode begins with a record whose time is not believed
(`liq.runtime.believed_time`) and ends ten minutes after the last such record of the same origin, so
a clock that drifts around the bound causes one episode. Episodes do not survive a restart.
"""

from dataclasses import dataclass
from typing import Final

from liq.schemas.records import FeedStatus
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import FeedEvent

EPISODE_MS: Final = 600_000
# Feed and connection are headers of the record, whose writer could invent any number of them.
MOST_EPISODES: Final = 1_000
MAX_NAME_CHARACTERS: Final = 100
MAX_CLAIM_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of records whose times share an episode."""

    exchange: str
    feed: str
    connection: str


class ClockEpisodes:
    """The episodes of all origins."""

    def __init__(self) -> None:
        """Start without an episode."""
        self._last_ms: dict[Origin, int] = {}

    def disbelieve(self, origin: Origin, at_ms: int, detail: str) -> FeedStatus | None:
        """Record a time that is not believed; return a feed record if it begins an episode.

        `at_ms` is the time that counts instead (UTC, ms).
        """
        origin = Origin(
            origin.exchange[:MAX_NAME_CHARACTERS],
            origin.feed[:MAX_NAME_CHARACTERS],
            origin.connection[:MAX_NAME_CHARACTERS],
        )
        is_known = origin in self._last_ms
        if not is_known and len(self._last_ms) >= MOST_EPISODES:
            self._forget_before(at_ms - EPISODE_MS)
            if len(self._last_ms) >= MOST_EPISODES:
                return None
        is_new = not is_known or at_ms - self._last_ms[origin] >= EPISODE_MS
        self._last_ms[origin] = at_ms
        if not is_new:
            return None
        return FeedStatus(
            exchange=origin.exchange,
            feed=origin.feed,
            connection=origin.connection,
            event=FeedEvent.CLOCK,
            timestamp_ms=at_ms,
            detail=detail,
        )

    def _forget_before(self, time_ms: int) -> None:
        self._last_ms = {
            origin: last_ms for origin, last_ms in self._last_ms.items() if last_ms >= time_ms
        }


def claim_detail(name: str, claim: str, claimed_ms: int | None, counted_ms: int) -> str:
    """Return a sentence with a record's claimed time and its distance from the time that counts.

    `claim` is the text of the claim, `claimed_ms` the time in it; None if it is not a time.
    """
    if claimed_ms is None:
        shown = claim[:MAX_CLAIM_CHARACTERS]
        return f"{name} is {shown!r}, no time between 2010 and 2100; its append time counts"
    ahead_ms = claimed_ms - counted_ms
    word = "ahead of" if ahead_ms > 0 else "behind"
    return (
        f"{name} is {abs(ahead_ms) / SECOND_MS:.1f} s {word} the broker's append time, "
        "which counts instead"
    )
