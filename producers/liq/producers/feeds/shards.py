"""Shards: the rule that spreads feeds and their symbols over producers. Pure.

A shard is one of `count` equal parts of all subscriptions. Each name (a symbol, or a channel where
a venue has one for all) belongs to the shard whose hash with the name is the highest. An additional
shard therefore takes names from the others and moves no name between them. Producers whose slots
end with the same number modulo `count` are twins: `produce-0` and `produce-3` of three shards
subscribe to the same names.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

_ordinal = re.compile(r"(?:^|[^0-9])(\d{1,6})$")
_sharded = re.compile(r"\.(\d{1,6})of(\d{1,6})$")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` parts; `number` counts from 0."""

    number: int = 0
    count: int = 1

    def owns(self, label: str, name: str) -> bool:
        """Return whether a name of a feed belongs to this shard."""
        return self.count == 1 or shard_number(label, name, self.count) == self.number

    def own(self, label: str, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of a feed that belong to this shard, in their order."""
        return tuple(name for name in names if self.owns(label, name))


WHOLE: Final = Shard()


def shard_number(label: str, name: str, count: int) -> int:
    """Return the number of the shard that a name of a feed belongs to (rendezvous hashing)."""
    return max(range(count), key=lambda number: _weight(label, name, number))


def slot_shard(slot: str, count: int) -> Shard | None:
    """Return the shard of a slot by the number at its end; None if it has none but needs one."""
    if count == 1:
        return WHOLE
    found = _ordinal.search(slot)
    return None if found is None else Shard(int(found[1]) % count, count)


def producer_name(slot: str, shard: Shard) -> str:
    """Return a producer's name in heartbeats and connections: its slot, and its shard if any."""
    return slot if shard == WHOLE else f"{slot}.{shard.number}of{shard.count}"


def producer_shard(name: str) -> Shard:
    """Return the shard in a producer's name."""
    found = _sharded.search(name)
    return WHOLE if found is None else Shard(int(found[1]), int(found[2]))


def _weight(label: str, name: str, number: int) -> bytes:
    text = f"{number}\0{label}\0{name}".encode(errors="surrogatepass")
    return blake2b(text, digest_size=8).digest()
