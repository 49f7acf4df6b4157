"""Which beats the market's detector has taken in: the newest second of each side of each asset.

A repeat comes soon, if at all, so each chunk forgets what was updated longest ago. Assets are
spread over chunks, so that a checkpoint writes the few that have changed and not every asset ever
seen. A chunk is stored in two slots by turns. The core of the market's snapshot is written last and
names the slot of each chunk, so a crash between the records of a checkpoint mixes nothing.
"""

from collections.abc import Iterator
from typing import Final
from zlib import crc32

from liq.schemas.vocabulary import Side

CHUNKS: Final = 256
#: Of one chunk: sides of assets. All chunks together hold twice the sides of 100,000 assets.
MAX_PAIRS: Final = 1_600

Pair = tuple[str, Side]


class KnownBeats:
    """The newest second by asset and side, in chunks; `slots` says where each chunk was stored."""

    __slots__ = ("changed", "chunks", "slots")

    def __init__(self) -> None:
        """Nothing was taken in yet."""
        self.chunks: list[dict[Pair, int]] = [{} for _ in range(CHUNKS)]
        self.slots = [0] * CHUNKS
        self.changed: set[int] = set()

    def __len__(self) -> int:
        """Return how many sides of assets are known."""
        return sum(map(len, self.chunks))

    def take(self, base: str, side: Side, tick: int) -> bool:
        """Take a beat in; return False if it is a repeat, or older than the newest one."""
        number = crc32(base.encode()) % CHUNKS
        chunk, pair = self.chunks[number], (base, side)
        if tick <= chunk.get(pair, 0):
            return False
        chunk.pop(pair, None)
        chunk[pair] = tick
        if len(chunk) > MAX_PAIRS:
            del chunk[next(iter(chunk))]
        self.changed.add(number)
        return True

    def forget_after(self, tick: int) -> None:
        """Forget the beats of later seconds than a tick."""
        for number, chunk in enumerate(self.chunks):
            for pair in [pair for pair, newest in chunk.items() if newest > tick]:
                del chunk[pair]
                self.changed.add(number)

    def clear(self) -> None:
        """Forget all beats. The slots stay, so that what is stored next overwrites no chunk."""
        for number, chunk in enumerate(self.chunks):
            if chunk:
                chunk.clear()
                self.changed.add(number)

    def items(self) -> Iterator[tuple[Pair, int]]:
        """Yield pairs and their seconds, those of a chunk from the longest known to the newest."""
        for chunk in self.chunks:
            yield from chunk.items()
