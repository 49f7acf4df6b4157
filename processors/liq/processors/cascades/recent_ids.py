"""Which events were seen lately; bounded."""

from collections import deque

MAX_REMEMBERED = 4_096
# Of an id's 32 hex digits the last ones are remembered, 48 bits, for they are written with every
# snapshot. Among as many events as are remembered, two agree in them once in thirty million times.
REMEMBERED_DIGITS = 12


class RecentIds:
    """Last digits of the ids of events that took part, with the tick at which they did."""

    __slots__ = ("_known", "sightings")

    def __init__(self) -> None:
        """Start empty."""
        self._known: set[str] = set()
        self.sightings: deque[tuple[int, str]] = deque()

    def __contains__(self, digits: str) -> bool:
        """Whether an event with these last digits was seen and is still remembered."""
        return digits in self._known

    def add(self, tick: int, digits: str) -> None:
        """Remember an event that is not known yet."""
        self.sightings.append((tick, digits))
        self._known.add(digits)
        if len(self.sightings) > MAX_REMEMBERED:
            self._known.discard(self.sightings.popleft()[1])

    def forget_before(self, tick: int) -> None:
        """Forget what was seen earlier than a tick."""
        sightings = self.sightings
        while sightings and sightings[0][0] < tick:
            self._known.discard(sightings.popleft()[1])
