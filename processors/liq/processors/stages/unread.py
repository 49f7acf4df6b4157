"""Detection of unread feeds, whose every frame is rejected, as after a change of a venue's format.

The rule is pure and uses the log's time, the frames' time of receipt: a feed is unread after ten
minutes of nothing but rejections, with at least ten frames. It is reported once, until a frame of
it is read. A frame counts as read if it contains a liquidation or no rejected entry; a known kind
of closure that is no liquidation counts as read. The ten minutes are the limit for busy feeds, the
ten frames for rare ones: at quiet times, a venue that lists a few contracts of unknown size may
have several rejected frames in a row, but hardly ten.

A normalizer sees only the frames of its own partitions. Frames in an unknown format have the
exchange's name as their key, so that one partition has all of them. The state does not survive a
restart: a continuing episode is reported again after ten more minutes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from liq.schemas.records import FeedStatus, Liquidation, Rejected
from liq.schemas.vocabulary import FeedEvent, RejectReason

UNREAD_MS: Final = 600_000
LEAST_FRAMES: Final = 10
# The feed is a header of the raw record, whose writer could invent any number of them.
MOST_FEEDS: Final = 1_000
MAX_DETAIL_CHARACTERS: Final = 200


@dataclass(slots=True)
class _Episode:
    """A run of rejected frames; times are those of receipt (UTC, ms)."""

    since_ms: int
    frames: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    detail: str = ""
    is_told: bool = False


class UnreadFeeds:
    """The feeds that are unread, updated frame by frame."""

    def __init__(self, connection: str) -> None:
        """Start without an episode; `connection` names this reader in the feed records."""
        self._connection = connection
        self._episodes: dict[tuple[str, str], _Episode] = {}

    def note(
        self,
        exchange: str,
        feed: str,
        received_at_ms: int,
        results: Sequence[Liquidation | Rejected],
    ) -> FeedStatus | None:
        """Count a frame by its results; return a feed record if the feed becomes unread."""
        rejected = [each for each in results if isinstance(each, Rejected) and _is_unread(each)]
        if not rejected or len(rejected) < len(results):
            self._episodes.pop((exchange, feed), None)
            return None
        episode = self._episode(exchange, feed, received_at_ms)
        if episode is None:
            return None
        episode.frames += 1
        episode.reasons[rejected[0].reason.value] += 1
        episode.detail = rejected[0].detail
        lasted_ms = received_at_ms - episode.since_ms
        if episode.is_told or lasted_ms < UNREAD_MS or episode.frames < LEAST_FRAMES:
            return None
        episode.is_told = True
        return self._status(exchange, feed, received_at_ms, episode)

    def is_unread(self, exchange: str, feed: str) -> bool:
        """Return whether a feed was reported as unread, and no frame of it was read since."""
        episode = self._episodes.get((exchange, feed))
        return episode is not None and episode.is_told

    def unread(self) -> list[tuple[str, str]]:
        """Return the exchange and feed of each unread feed."""
        return [key for key, episode in self._episodes.items() if episode.is_told]

    def _episode(self, exchange: str, feed: str, received_at_ms: int) -> _Episode | None:
        key = (exchange, feed)
        if key not in self._episodes and len(self._episodes) >= MOST_FEEDS:
            return None
        return self._episodes.setdefault(key, _Episode(received_at_ms))

    def _status(
        self, exchange: str, feed: str, received_at_ms: int, episode: _Episode
    ) -> FeedStatus:
        [(reason, count)] = episode.reasons.most_common(1)
        return FeedStatus(
            exchange=exchange,
            feed=feed,
            connection=self._connection,
            event=FeedEvent.UNREAD,
            timestamp_ms=received_at_ms,
            detail=f"all of {episode.frames} frames are rejected, {count} of them as {reason}; "
            f"the latest: {episode.detail[:MAX_DETAIL_CHARACTERS]}",
            from_ms=episode.since_ms,
        )


def _is_unread(rejected: Rejected) -> bool:
    return rejected.reason is not RejectReason.NOT_A_LIQUIDATION
