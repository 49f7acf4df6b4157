"""The assets that belong to a partition of the events log, according to that log itself.

Without growth, every asset in a partition belongs to it. A growing log contains a handoff and a
resumption. After the handoff no event counts, because its writer still spreads assets over the old
number of partitions; a writer reads the frame of such an event again. After the resumption only
events of assets that the new number assigns to the partition count. So a late writer has no effect,
and a replay of the log decides the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

#: Assets whose owner is cached, because Kafka's hash is slow in Python.
MAX_REMEMBERED: Final = 100_000

PartitionOf = Callable[[str, int], int]
"""Returns the partition of an asset among a number of partitions."""


class Share:
    """The assets that belong to one partition.

    `count` is the number of partitions according to the log; 0 before its first growth.
    """

    __slots__ = (
        "_is_own",
        "_partition_of",
        "arrived",
        "count",
        "growth",
        "is_changed",
        "is_moving",
        "leaving",
        "partition",
        "taken",
    )

    def __init__(self, partition: int, partition_of: PartitionOf) -> None:
        """Start without a growth in the log: every asset counts."""
        self.partition = partition
        self._partition_of = partition_of
        self._is_own: dict[str, bool] = {}
        self.count = 0
        self.growth = ""
        self.is_moving = False
        #: Whether it has changed since it was last stored; the storing code resets it.
        self.is_changed = False
        #: The new partition and the snapshot of each asset to hand over.
        self.leaving: dict[str, tuple[int, bytes]] = {}
        #: Snapshots that other partitions have handed over, by asset.
        self.arrived: Mapping[str, bytes] = {}
        #: The adopted assets, until their adoption is stored.
        self.taken: tuple[str, ...] = ()

    def is_own(self, asset: str) -> bool:
        """Return whether the asset belongs to the partition."""
        if not self.count:
            return True
        known = self._is_own.get(asset)
        if known is None:
            if len(self._is_own) >= MAX_REMEMBERED:
                self._is_own.clear()
            known = self._is_own[asset] = self.owner_of(asset) == self.partition
        return known

    def counts(self, asset: str) -> bool:
        """Return whether detection counts an event of the asset at this point of the log."""
        return not self.is_moving and self.is_own(asset)

    def owner_of(self, asset: str) -> int:
        """Return the partition that the asset belongs to."""
        return self._partition_of(asset, self.count)

    def hand_off(self, growth: str, count: int) -> bool:
        """Enter the pause at a handoff; return False for a repeated handoff."""
        if growth == self.growth or not growth or count <= max(self.count, 1):
            return False
        self.growth, self.count, self.is_moving, self.is_changed = growth, count, True, True
        self._is_own.clear()
        return True

    def resume(self, growth: str, count: int) -> bool:
        """Leave the pause at a resumption; return False for a repeated resumption.

        A partition that the growth has added has no handoff.
        """
        if not growth or (growth == self.growth and not self.is_moving) or count < self.count:
            return False
        self.growth, self.count, self.is_moving, self.is_changed = growth, count, False, True
        self._is_own.clear()
        return True

    def to_bytes(self) -> bytes:
        """Serialize what the log has stated."""
        return orjson.dumps([self.count, self.growth, self.is_moving])

    def restore(self, data: bytes) -> None:
        """Load what `to_bytes` wrote; ignore any other bytes."""
        try:
            found: Any = orjson.loads(data)
            count, growth, is_moving = found
        except (orjson.JSONDecodeError, TypeError, ValueError):
            return
        if type(count) is int and count > 0 and type(growth) is str:
            self.count, self.growth, self.is_moving = count, growth, is_moving is True
            self._is_own.clear()

    def adopt(self, other: "Share") -> None:
        """Copy the state of another reader of the same log, if there is no state here."""
        if not self.count and other.count:
            self.count, self.growth, self.is_moving = other.count, other.growth, other.is_moving
            self.is_changed = True
            self._is_own.clear()
