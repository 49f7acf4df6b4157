"""The blind venues and feeds, according to the heartbeats of their producers.

A producer's heartbeat names the feeds that are disconnected, or silent beyond their limits. A feed
is blind if every live producer of its venue names it. A venue is blind if all its feeds are, or if
its producers have stopped writing heartbeats while the log continues. Unread feeds (`unread`) are
blind, too.

The rule uses the log's time. A venue without any heartbeat is not blind, because no producer reads
it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from liq.schemas.headers import EVERY_FEED

#: The limit without a heartbeat, of which a producer writes one a second.
SILENT_MS: Final = 10_000
#: A producer that was silent for this long is forgotten.
FORGOTTEN_MS: Final = 24 * 3_600_000
#: A limit, because a writer of raw records could invent any number of producers.
MOST_PRODUCERS: Final = 256


@dataclass(frozen=True, slots=True)
class _Heard:
    """The newest heartbeat of a producer (UTC, ms), and the blind feeds in it."""

    at_ms: int
    blind: frozenset[str]


class VenueWatch:
    """The newest heartbeats of all producers."""

    def __init__(self) -> None:
        """Start without heartbeats."""
        self._heard: dict[tuple[str, str], _Heard] = {}

    def note(self, exchange: str, producer: str, at_ms: int, blind: Iterable[str]) -> None:
        """Record a heartbeat."""
        key = (exchange, producer)
        heard = self._heard.get(key)
        if heard is None and len(self._heard) >= MOST_PRODUCERS:
            self._forget(at_ms)
            if len(self._heard) >= MOST_PRODUCERS:
                return
        if heard is None or at_ms >= heard.at_ms:
            self._heard[key] = _Heard(at_ms, frozenset(blind))

    def blind(self, now_ms: int, unread: Iterable[tuple[str, str]] = ()) -> list[str]:
        """Return the blind venues and feeds at a time of the log: `okx`, or `binance:coinm`.

        `unread` are the exchange and feed of each unread feed.
        """
        names = {f"{exchange}:{feed}" for exchange, feed in unread}
        producers: dict[str, list[_Heard]] = {}
        for (exchange, _), heard in self._heard.items():
            producers.setdefault(exchange, []).append(heard)
        for exchange, all_heard in producers.items():
            latest_ms = max(heard.at_ms for heard in all_heard)
            live = [heard for heard in all_heard if now_ms - heard.at_ms < SILENT_MS]
            if live:
                names |= {
                    exchange if feed == EVERY_FEED else f"{exchange}:{feed}"
                    for feed in _common(live)
                }
            elif now_ms - latest_ms < FORGOTTEN_MS:
                names.add(exchange)
        return sorted(name for name in names if name.partition(":")[0] not in names - {name})

    def _forget(self, now_ms: int) -> None:
        """Forget producers that were silent for `FORGOTTEN_MS`."""
        self._heard = {
            key: heard for key, heard in self._heard.items() if now_ms - heard.at_ms < FORGOTTEN_MS
        }


def _common(live: list[_Heard]) -> frozenset[str]:
    """Return the feeds that every producer names as blind."""
    partly = [heard.blind for heard in live if EVERY_FEED not in heard.blind]
    return frozenset.intersection(*partly) if partly else frozenset({EVERY_FEED})
