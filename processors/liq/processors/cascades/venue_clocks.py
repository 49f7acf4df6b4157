"""Venues whose own times are minutes behind: by how much, so that their events are not all late.

An event whose venue's time is older than the window is late, and left out. Where a venue's clock is
minutes behind, that would be all of its events. So a constant lag is measured: in each of the last
eight seconds of receipt that brought live events of a venue, all of them are more than 95 seconds
behind, and all these lags agree within five seconds. Then the least of them is added to the venue's
times. A second with a smaller lag ends it. Only seconds that are over count, so the order within a
second does not matter.

A history that a venue sends on subscribing arrives in a second or two, and its lags differ. The
lags of a feed that falls behind during a crash grow. Neither is a clock. A lag of more than half an
hour is a history too, and does not count.
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
# The state is committed as text with an offset, of which brokers take 4,096 bytes by default.
MOST_VENUES: Final = 16
MAX_NAME_CHARACTERS: Final = 20

Lags = tuple[int, int]
"""The least and the most seconds by which the events of a second are behind their receipt."""


@dataclass(slots=True)
class _Venue:
    """The lags of the second at hand, and of those before it."""

    second: int
    lags: Lags
    samples: deque[Lags] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def note(self, second: int, lag: int) -> None:
        """Add an event; one of an earlier second comes too late to count."""
        least, most = self.lags
        if second == self.second:
            self.lags = min(least, lag), max(most, lag)
        elif second > self.second:
            if least < LEAST_LAG_SECONDS:
                self.samples.clear()  # its clock is right, as nearly always
            else:
                self.samples.append(self.lags)
            self.second, self.lags = second, (lag, lag)

    def constant_lag(self) -> int:
        """Return the lag that the finished seconds agree on; 0 for none."""
        if len(self.samples) < SAMPLES:
            return 0
        least = min(least for least, _ in self.samples)
        most = max(most for _, most in self.samples)
        return least if most - least <= MOST_SPREAD_SECONDS else 0


class VenueClocks:
    """Measures by how much the times of venues are behind, from one partition's events in order."""

    __slots__ = ("_venues",)

    def __init__(self) -> None:
        """Every venue's clock is believed."""
        self._venues: dict[str, _Venue] = {}

    def lag_ms(self, exchange: str, received_at_ms: int, timestamp_ms: int) -> int:
        """Note a live event; return what to add to its venue's time."""
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
        """Write what is known of venues that seem to lag; empty for none.

        Of the others it leaves out that their second at hand had a right time. After a restart
        within that second, a wrong time in it makes it one of the eight.
        """
        known = {
            name: [venue.second, venue.lags, list(venue.samples)]
            for name, venue in sorted(self._venues.items())
            if venue.samples or venue.lags[0] >= LEAST_LAG_SECONDS
        }
        return json.dumps(known, separators=(",", ":")) if known else ""

    @classmethod
    def from_text(cls, text: str) -> "VenueClocks":
        """Read what `to_text` wrote; of anything else, every clock is believed."""
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
