"""The records about growth in a partition's log, for readers of that log.

`cascades.share` implements the rule. Detecting workers and `liq export --as-detected` apply it.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from liq.processors.cascades.observation import EventView, Observation
from liq.processors.cascades.share import Share
from liq.runtime.sending import partition_of
from liq.schemas.headers import (
    GROWTH,
    HANDOFF,
    PARTITIONS,
    RECORD,
    RESUMED,
    integer_header,
    text_header,
)

MAX_PARTITIONS: Final = 10_000


class GrowthStep(NamedTuple):
    """A handoff or a resumption: the growth that it belongs to, and the new number of partitions.

    The number is 0 if the record has no plausible one.
    """

    is_handoff: bool
    growth: str
    partitions: int


def new_share(partition: int) -> Share:
    """Return the share of a partition whose log contains no growth."""
    return Share(partition, owner_of)


def owner_of(asset: str, partitions: int) -> int:
    """Return the partition of an asset's events among a number of partitions."""
    return partition_of(asset.encode(), list(range(partitions)))


def is_about_growth(message: Any) -> bool:
    """Return whether a record without a value is a handoff or a resumption."""
    return text_header(message.headers, RECORD) in {HANDOFF, RESUMED}


def growth_step(message: Any) -> GrowthStep:
    """Parse a handoff or a resumption."""
    partitions = integer_header(message.headers, PARTITIONS) or 0
    return GrowthStep(
        text_header(message.headers, RECORD) == HANDOFF,
        text_header(message.headers, GROWTH),
        partitions if partitions <= MAX_PARTITIONS else 0,
    )


def resumed_growth(share: Share | None, batch: Sequence[Any]) -> str:
    """Return the growth after which a partition resumes within a batch; empty if it does not."""
    if share is None:
        return ""
    for message in batch:
        if message.value is None and text_header(message.headers, RECORD) == RESUMED:
            step = growth_step(message)
            if step.growth != share.growth or share.is_moving:
                return step.growth
    return ""


def is_misplaced(share: Share, view: EventView) -> bool:
    """Return whether an event does not count at this point of a partition's log."""
    if share.is_moving:
        return True
    return isinstance(view, Observation) and not share.is_own(view.base)


def follow(share: Share, message: Any) -> None:
    """Apply a record about growth to the share of a reader without state."""
    step = growth_step(message)
    if step.is_handoff:
        share.hand_off(step.growth, step.partitions)
    else:
        share.resume(step.growth, step.partitions)
