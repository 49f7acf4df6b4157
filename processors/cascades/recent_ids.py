"""Which events were seen lately; bounded."""

from collections import deque

MAX_REMEMBERED = 4_096


class RecentIds:
    """Ids of events that took part, with the tick at which they did."""

    __slots__ = ("known", "sightings")

    def __init__(self) -> None:
        """Start empty."""
        self.known: set[str] = set()
        self.sightings: deque[tuple[int, str]] = deque()

    def add(self, tick: int, event_id: str) -> None:
        """Remember an event that is not known yet."""
        self.sightings.append((tick, event_id))
        self.known.add(event_id)
        if len(self.sightings) > MAX_REMEMBERED:
            self.known.discard(self.sightings.popleft()[1])

    def forget_before(self, tick: int) -> None:
        """Forget what was seen earlier than a tick."""
        sightings = self.sightings
        while sightings and sightings[0][0] < tick:
            self.known.discard(sightings.popleft()[1])
