"""Which events were seen lately; bounded."""

from collections import deque

MAX_REMEMBERED = 4_096
# Of an id's 32 hex digits a snapshot holds the last ones, 48 bits, for it is written often. Among
# as many events as are remembered at most, two agree in them once in thirty million times.
STORED_DIGITS = 12


class RecentIds:
    """Ids of events that took part, with the tick at which they did.

    Of what comes from a snapshot only the last digits are known.
    """

    __slots__ = ("_known", "sightings")

    def __init__(self) -> None:
        """Start empty."""
        self._known: set[str] = set()
        self.sightings: deque[tuple[int, str]] = deque()

    def __contains__(self, event_id: str) -> bool:
        """Whether the event was seen and is still remembered."""
        return event_id in self._known or event_id[-STORED_DIGITS:] in self._known

    def add(self, tick: int, event_id: str) -> None:
        """Remember an event that is not known yet."""
        self.sightings.append((tick, event_id))
        self._known.add(event_id)
        if len(self.sightings) > MAX_REMEMBERED:
            self._known.discard(self.sightings.popleft()[1])

    def forget_before(self, tick: int) -> None:
        """Forget what was seen earlier than a tick."""
        sightings = self.sightings
        while sightings and sightings[0][0] < tick:
            self._known.discard(sightings.popleft()[1])
