"""The newest rows that a poll has published, which its overlap does not publish again. Pure."""

from collections.abc import Iterable
from typing import Final

from liq.producers.history.spec import Row

#: The most rows in memory; beyond that the oldest are forgotten, and may be published again.
MAX_ROWS: Final = 50_000


class PublishedRows:
    """The rows of a poll's overlap, by subject, time and identity."""

    def __init__(self, most: int = MAX_ROWS) -> None:
        """Create an empty memory of at most `most` rows."""
        self._most = most
        self._times: dict[tuple[str, int, str], None] = {}

    def __len__(self) -> int:
        """Return the number of rows in memory."""
        return len(self._times)

    def has_all(self, subject: str, rows: Iterable[Row]) -> bool:
        """Return whether every row of a subject was published."""
        return all((subject, row.time_ms, row.identity) in self._times for row in rows)

    def add(self, subject: str, rows: Iterable[Row]) -> None:
        """Remember rows that Kafka has acknowledged."""
        self._times.update(((subject, row.time_ms, row.identity), None) for row in rows)
        while len(self._times) > self._most:
            del self._times[next(iter(self._times))]

    def forget_before(self, time_ms: int) -> None:
        """Forget rows of before a time (UTC, ms), which is not requested again."""
        for name in [name for name in self._times if name[1] < time_ms]:
            del self._times[name]
