"""A bounded memory of recent events."""

from collections import deque

#: The largest known block of one venue has 11,279 liquidations, which may arrive by two feeds.
MAX_REMEMBERED = 16_384
# Only the last 12 of an id's 32 hex digits are kept (48 bits), because every snapshot contains
# them. The chance that two of 16,384 events share them is one in two million.
REMEMBERED_DIGITS = 12


class RecentIds:
    """The last digits of the ids of counted events, with the tick of each."""

    __slots__ = ("_known", "sightings")

    def __init__(self) -> None:
        """Start empty."""
        self._known: set[str] = set()
        self.sightings: deque[tuple[int, str]] = deque()

    def __contains__(self, digits: str) -> bool:
        """Return whether an event with these last digits is remembered."""
        return digits in self._known

    def add(self, tick: int, digits: str) -> None:
        """Remember a new event; it must not be remembered yet."""
        self.sightings.append((tick, digits))
        self._known.add(digits)
        if len(self.sightings) > MAX_REMEMBERED:
            self._known.discard(self.sightings.popleft()[1])

    def forget_before(self, tick: int) -> None:
        """Forget the events of ticks before `tick`."""
        sightings = self.sightings
        while sightings and sightings[0][0] < tick:
            self._known.discard(sightings.popleft()[1])
