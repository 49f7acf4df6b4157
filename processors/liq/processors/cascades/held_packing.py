"""Serialization of the seconds that the market's detector holds, and their packing in memory.

While one source stays behind, the items of all others are held. A held beat takes 0.6 kB as an
object, and some thirty bytes as it is stored. So beyond `MAX_UNPACKED` beats, blocks of seconds
stay in memory as they are stored. What arrives for a packed block is held beside it, and becomes
part of it at the next checkpoint.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from liq.processors.cascades.held_parts import BLOCK_SECONDS, Held, PackedBlock, add_later
from liq.processors.cascades.market import MarketState
from liq.processors.cascades.snapshot_fields import BEATS
from liq.processors.cascades.snapshot_frame import Reader, pack, unchanged, unpack
from liq.schemas.codec import decode, encode
from liq.schemas.records import CascadeAlert

HELD_VERSION: Final = 1
#: More held beats than this are packed at a checkpoint. An alert counts as twenty beats.
MAX_UNPACKED: Final = 20_000
ALERT_WEIGHT: Final = 20


HELD_READERS: Final[Mapping[int, Reader]] = {HELD_VERSION: unchanged}


def write_held(held: Held) -> list[dict[str, Any]]:
    """Return the stored form of held seconds."""
    return [
        {
            "tick": tick,
            "beats": BEATS.write(held[tick][0]),
            "alerts": [encode(alert).decode() for alert in held[tick][1]],
        }
        for tick in sorted(held)
    ]


def read_held(stored: Iterable[Mapping[str, Any]]) -> Held:
    """Return held seconds from their stored form."""
    return {
        each["tick"]: (
            BEATS.read(each["beats"]),
            [decode(CascadeAlert, alert.encode()) for alert in each["alerts"]],
        )
        for each in stored
    }


def read_block(data: bytes) -> Held:
    """Return the held seconds of a stored block.

    Raises:
        SnapshotError: not a block, or one of another version.
    """
    return read_held(unpack(data, HELD_READERS)["held"])


def weight(held: Held) -> int:
    """Return the number of held beats; an alert counts as `ALERT_WEIGHT` beats."""
    return sum(len(beats) + ALERT_WEIGHT * len(alerts) for beats, alerts in held.values())


def weight_of(state: MarketState) -> int:
    """Return the weight of all held seconds of a state."""
    return weight(state.held) + sum(block.weight for block in state.packed.values())


def all_held(state: MarketState) -> Held:
    """Return all held seconds of a state, packed or not."""
    held: Held = {}
    for block in state.packed.values():
        add_later(held, block.read(block.data))
    add_later(held, state.held)
    return held


@dataclass(frozen=True, slots=True)
class HeldBlocks:
    """The numbers of all held blocks of a state, and the unpacked seconds of each block."""

    numbers: frozenset[int]
    unpacked: Mapping[int, Held]


def blocks_of(state: MarketState) -> HeldBlocks:
    """Divide the held seconds of a state into blocks."""
    unpacked: dict[int, Held] = {}
    for tick, items in state.held.items():
        unpacked.setdefault(tick // BLOCK_SECONDS, {})[tick] = items
    return HeldBlocks(frozenset((*unpacked, *state.packed)), unpacked)


def write_block(state: MarketState, blocks: HeldBlocks, number: int) -> bytes:
    """Return the bytes of a block; what is held beside a packed block becomes part of it."""
    held: Held = {}
    packed = state.packed.get(number)
    if packed is not None:
        add_later(held, packed.read(packed.data))
    unpacked = blocks.unpacked.get(number, {})
    add_later(held, unpacked)
    data = pack(HELD_VERSION, {"held": write_held(held)})
    if packed is not None:
        _pack(state, number, held, data)
    return data


def pack_far_blocks(state: MarketState, blocks: HeldBlocks, written: Mapping[int, bytes]) -> None:
    """Pack the blocks that are evaluated last, until at most `MAX_UNPACKED` beats are unpacked.

    `written` has the bytes of the blocks that this checkpoint stores.
    """
    left = weight(state.held)
    for number in sorted(blocks.unpacked, reverse=True):
        if left <= MAX_UNPACKED:
            return
        if number in state.packed:
            continue
        held = blocks.unpacked[number]
        data = written.get(number) or pack(HELD_VERSION, {"held": write_held(held)})
        left -= weight(held)
        _pack(state, number, held, data)


def restore_block(state: MarketState, number: int, data: bytes) -> None:
    """Add a stored block to a state, packed if the state has `MAX_UNPACKED` beats.

    Raises:
        SnapshotError: not a block, or one of another version.
    """
    held = read_block(data)
    if weight(state.held) > MAX_UNPACKED:
        _pack(state, number, held, data)
    else:
        state.held.update(held)


def _pack(state: MarketState, number: int, held: Held, data: bytes) -> None:
    items = sum(len(beats) + len(alerts) for beats, alerts in held.values())
    state.packed[number] = PackedBlock(data, max(held), items, weight(held), read_block)
    for tick in held:
        state.held.pop(tick, None)
