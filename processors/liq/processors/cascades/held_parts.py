"""What is stored of the seconds that the market's detector holds, once there are many of them.

While one source stays behind, the items of all others are held: hours of them, more than fits into
one record of Kafka. So blocks of seconds are stored apart, and a checkpoint writes only those that
have changed. As with `KnownBeats`, each block alternates between two slots and the core of the
snapshot, written after the blocks, names the slot of each. Keys that it no longer names are deleted
after the core. So a crash within a checkpoint leaves the state of the one before.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final, NamedTuple

from liq.processors.cascades.beat import Beat
from liq.schemas.records import CascadeAlert

Held = dict[int, tuple[list[Beat], list[CascadeAlert]]]
"""Held beats and alerts by second, in the order of arrival."""

BLOCK_SECONDS: Final = 10
PREFIX: Final = "held:"


class PackedBlock(NamedTuple):
    """A block of held seconds as it is stored (`held_packing`): its newest second, its size."""

    data: bytes
    newest: int
    items: int
    weight: int
    read: Callable[[bytes], Held]


def add_later(held: Held, later: Held) -> None:
    """Add to held seconds those that arrived later."""
    for tick, (beats, alerts) in later.items():
        before = held.get(tick, ([], []))
        held[tick] = ([*before[0], *beats], [*before[1], *alerts])


def key_of(block: int, slot: int) -> str:
    """Return the key of a block in a slot."""
    return f"{PREFIX}{block}:{slot}"


class HeldParts:
    """The blocks of held seconds that are stored, by number (second // `BLOCK_SECONDS`).

    `slots` has the slot (1 or 2) in which each stored block is, `changed` the blocks that differ
    from it, `stale` stored keys that no core names.
    """

    __slots__ = ("changed", "slots", "stale")

    def __init__(self) -> None:
        """Start with nothing stored."""
        self.slots: dict[int, int] = {}
        self.changed: set[int] = set()
        self.stale: set[str] = set()

    def touch(self, tick: int) -> None:
        """Record that a second has changed."""
        self.changed.add(tick // BLOCK_SECONDS)

    def write(self, blocks: Collection[int]) -> list[int]:
        """Choose a slot for every block that must be written; return those blocks, ascending.

        `blocks` are all that have a held second. Other stored blocks become stale.
        """
        self._drop([block for block in self.slots if block not in blocks])
        written = sorted(
            block for block in blocks if block in self.changed or block not in self.slots
        )
        for block in written:
            self.slots[block] = 3 - self.slots.get(block, 2)
        self.changed.clear()
        return written

    def write_none(self) -> None:
        """Make every stored block stale: the core has all held seconds."""
        self._drop(list(self.slots))
        self.changed.clear()

    def take_stale(self) -> list[str]:
        """Return the keys to delete after the core, once."""
        stale = sorted(self.stale)
        self.stale.clear()
        return stale

    def find_stale(self, keys: Iterable[str]) -> None:
        """Note the stored keys of blocks that the restored core does not name."""
        named = {key_of(block, slot) for block, slot in self.slots.items()}
        # The other slot of a named block is overwritten in turn.
        spare = {key_of(block, 3 - slot) for block, slot in self.slots.items()}
        self.stale.update(
            key for key in keys if key.startswith(PREFIX) and key not in named | spare
        )

    def _drop(self, blocks: Iterable[int]) -> None:
        for block in blocks:
            del self.slots[block]
            self.stale.update((key_of(block, 1), key_of(block, 2)))
