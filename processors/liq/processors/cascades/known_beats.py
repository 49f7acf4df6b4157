"""The beats that the market's detector has counted: the newest second of each side of each asset.

Repeats arrive soon after the original, so each chunk forgets the pairs that were updated longest
ago. Assets are spread over chunks, so that a checkpoint writes only the chunks that have changed.
Each chunk alternates between two slots. The core of the market's snapshot is written last and names
the slot of each chunk, so a crash within a checkpoint never mixes chunks of two checkpoints.
"""

from collections.abc import Iterator
from typing import Final
from zlib import crc32

from liq.schemas.vocabulary import Side

CHUNKS: Final = 256
#: Sides of assets in one chunk; all chunks together have room for 200,000 assets with both sides.
MAX_PAIRS: Final = 1_600

Pair = tuple[str, Side]


class KnownBeats:
    """The newest second by asset and side, in chunks.

    `slots` has the slot in which each chunk was last stored (1 or 2; 0 for never).
    """

    __slots__ = ("changed", "chunks", "slots")

    def __init__(self) -> None:
        """Start without beats."""
        self.chunks: list[dict[Pair, int]] = [{} for _ in range(CHUNKS)]
        self.slots = [0] * CHUNKS
        self.changed: set[int] = set()

    def __len__(self) -> int:
        """Return the number of known sides of assets."""
        return sum(map(len, self.chunks))

    def take(self, base: str, side: Side, tick: int) -> bool:
        """Record a beat; return False if it is a repeat, or older than the newest one."""
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
        """Forget the beats of seconds after a tick."""
        for number, chunk in enumerate(self.chunks):
            for pair in [pair for pair, newest in chunk.items() if newest > tick]:
                del chunk[pair]
                self.changed.add(number)

    def clear(self) -> None:
        """Forget all beats, but not the slots, so that the next checkpoint overwrites no chunk."""
        for number, chunk in enumerate(self.chunks):
            if chunk:
                chunk.clear()
                self.changed.add(number)

    def items(self) -> Iterator[tuple[Pair, int]]:
        """Yield pairs and their seconds, those of each chunk in the order of their updates."""
        for chunk in self.chunks:
            yield from chunk.items()
