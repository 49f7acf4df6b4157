"""The venues that are blind at a tick, according to the heartbeats of one partition's log.

The normalizer names blind venues in each heartbeat while they are blind. The heartbeats of one
second have different positions in different partitions, so a tick uses the names of two seconds
before it. A venue stays blind for four seconds after its last mention, because several normalizers
may write and one can be late. The names of a partition follow from its log alone.
"""

import json
from collections.abc import Iterable
from typing import Final

SETTLED_SECONDS: Final = 2
HELD_SECONDS: Final = 4
FORGOTTEN_SECONDS: Final = 600
#: Further and longer names are ignored: the state is committed as an offset's metadata, which
#: brokers limit to 4,096 bytes by default.
MOST_NAMES: Final = 16
MAX_NAME_CHARACTERS: Final = 40


class BlindVenues:
    """For each venue or feed that heartbeats named, the run of seconds in which they named it."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        """Start without blind venues."""
        self._runs: dict[str, tuple[int, int]] = {}

    def note(self, second: int, names: Iterable[str]) -> None:
        """Record the names in a heartbeat of a second."""
        runs = self._runs
        for name in names:
            if len(name) > MAX_NAME_CHARACTERS:
                continue
            since, last = runs.get(name, (second, second))
            # A clock that stepped back also begins a new run.
            if not since - HELD_SECONDS <= second <= last + HELD_SECONDS:
                since = last = second
            runs[name] = min(since, second), max(last, second)
            if len(runs) > MOST_NAMES:
                # Runs this old cannot change any answer, whether or not a sweep has run.
                self.forget_before(second - FORGOTTEN_SECONDS)
                runs = self._runs
                if len(runs) > MOST_NAMES:
                    del runs[max(runs)]

    def at(self, tick: int) -> tuple[str, ...]:
        """Return the names that are blind at a tick; a tick may lie only little before the last."""
        if not self._runs:
            return ()
        settled = tick - SETTLED_SECONDS
        return tuple(
            sorted(
                name
                for name, (since, last) in self._runs.items()
                if since <= settled <= last + HELD_SECONDS
            )
        )

    def forget_before(self, second: int) -> None:
        """Forget runs that ended before a second."""
        if self._runs:
            self._runs = {name: run for name, run in self._runs.items() if run[1] >= second}

    def adopt(self, other: "BlindVenues") -> None:
        """Copy the runs of another partition for names that have no run here."""
        for name, run in other._runs.items():  # noqa: SLF001 - of the same class
            if name not in self._runs and len(self._runs) < MOST_NAMES:
                self._runs[name] = run

    def to_text(self) -> str:
        """Serialize the runs; return an empty text if there are no runs."""
        return json.dumps(self._runs, separators=(",", ":"), sort_keys=True) if self._runs else ""

    @classmethod
    def from_text(cls, text: str) -> "BlindVenues":
        """Parse what `to_text` wrote; any other text yields no blind venues."""
        blind = cls()
        try:
            for name, (since, last) in json.loads(text or "{}").items():
                blind._runs[name] = int(since), int(last)
        except (ValueError, TypeError, AttributeError):
            return cls()
        return blind
