"""Correction of venues' clocks that are minutes behind, so that their events do not count as late.

Detection skips an event whose venue time is older than the window. If a venue's clock is minutes
behind, that would skip all of its events. So this module detects a constant lag: in each of the
last eight seconds of receipt with live events of the venue, all events are at least 95 seconds
behind, and all these lags agree within five seconds. The least of them is then added to the venue's
times, until a second with a smaller lag. Only finished seconds count, so the order within a second
does not matter.

Two other lags are no clock errors, and are not corrected: the history that a venue sends on
subscribing arrives within a second or two and its lags differ, and the lags of a feed that falls
behind during a crash grow. A lag of more than half an hour is history too, and does not count.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from liq.schemas.units import SECOND_MS

LEAST_LAG_SECONDS: Final = 95
MOST_LAG_SECONDS: Final = 1_800
SAMPLES: Final = 8
MOST_SPREAD_SECONDS: Final = 5
# The state is committed as an offset's metadata, which brokers limit to 4,096 bytes by default.
MOST_VENUES: Final = 20
MAX_NAME_CHARACTERS: Final = 20

Lags = tuple[int, int]
"""The least and greatest lag, in seconds, of the events of a second behind their receipt."""


@dataclass(slots=True)
class _Venue:
    """A venue's lags in the current second (of receipt) and in those before it."""

    second: int
    lags: Lags
    samples: deque[Lags] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def note(self, second: int, lag: int) -> None:
        """Record the lag of an event; an event of an earlier second does not count."""
        least, most = self.lags
        if second == self.second:
            self.lags = min(least, lag), max(most, lag)
        elif second > self.second:
            if least < LEAST_LAG_SECONDS:
                self.samples.clear()  # the usual case: the venue's clock is right
            else:
                self.samples.append(self.lags)
            self.second, self.lags = second, (lag, lag)

    def constant_lag(self) -> int:
        """Return the lag (seconds) on which the finished seconds agree; 0 without agreement."""
        if len(self.samples) < SAMPLES:
            return 0
        least = min(least for least, _ in self.samples)
        most = max(most for _, most in self.samples)
        return least if most - least <= MOST_SPREAD_SECONDS else 0


class VenueClocks:
    """The lags of venues' clocks, measured from the events of one partition in order."""

    __slots__ = ("_venues",)

    def __init__(self) -> None:
        """Start without corrections."""
        self._venues: dict[str, _Venue] = {}

    def lag_ms(self, exchange: str, received_at_ms: int, timestamp_ms: int) -> int:
        """Record a live event; return the correction (ms) to add to its venue's time."""
        lag = (received_at_ms - timestamp_ms) // SECOND_MS
        if lag > MOST_LAG_SECONDS:
            return 0
        venue = self._venues.get(exchange)
        if venue is None:
            if len(self._venues) < MOST_VENUES and len(exchange) <= MAX_NAME_CHARACTERS:
                self._venues[exchange] = _Venue(received_at_ms // SECOND_MS, (lag, lag))
            return 0
        second, (least, most) = received_at_ms // SECOND_MS, venue.lags
        if second != venue.second or not least <= lag <= most:
            venue.note(second, lag)
        if lag < LEAST_LAG_SECONDS or not venue.samples:
            return 0
        return venue.constant_lag() * SECOND_MS

    def to_text(self) -> str:
        """Serialize the venues that seem to lag; return an empty text without such venues.

        The text omits venues with a right time in the current second. After a restart within that
        second, a wrong time in it can therefore count as one of the eight seconds.
        """
        known = {
            name: [venue.second, venue.lags, list(venue.samples)]
            for name, venue in sorted(self._venues.items())
            if venue.samples or venue.lags[0] >= LEAST_LAG_SECONDS
        }
        return json.dumps(known, separators=(",", ":")) if known else ""

    def adopt(self, other: "VenueClocks") -> None:
        """Copy the venues of another partition that are unknown here."""
        for name, venue in other._venues.items():  # noqa: SLF001 - of the same class
            if name not in self._venues and len(self._venues) < MOST_VENUES:
                self._venues[name] = venue

    @classmethod
    def from_text(cls, text: str) -> "VenueClocks":
        """Parse what `to_text` wrote; any other text yields no corrections."""
        clocks = cls()
        try:
            for name, (second, lags, samples) in json.loads(text or "{}").items():
                venue = _Venue(int(second), _lags(lags))
                venue.samples.extend(map(_lags, samples))
                clocks._venues[name] = venue
        except (ValueError, TypeError, AttributeError):
            return cls()
        return clocks


def _lags(pair: list[int]) -> Lags:
    least, most = pair
    return int(least), int(most)
