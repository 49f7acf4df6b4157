"""The progress of detection as a record for the topic of detection statuses. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from liq.schemas.records import DetectionStatus
from liq.schemas.units import SECOND_MS

MAX_WAITING: Final = 16


@dataclass(frozen=True, slots=True)
class MarketView:
    """The progress of the market's detection, in seconds of the log's clock.

    `clocks` has the clock of each partition; every second before `decided` has been evaluated.
    """

    clocks: Mapping[int, int]
    decided: int
    waiting: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """A partition's progress at the brokers: uncommitted records, and the committed clock."""

    behind_records: int
    clock_ms: int = 0


def detection_status(  # noqa: PLR0913 - what a status is made of
    view: MarketView,
    progress: Mapping[int, PartitionProgress],
    *,
    detector: str,
    worker: str,
    now_ms: int,
    assigned_count: int,
) -> DetectionStatus:
    """Return the status at a time; `progress` is empty if the brokers did not answer.

    A partition is decided up to the later of two clocks: the one that its detector has sent to the
    market, and the committed one.
    """
    behind = {partition: each.behind_records for partition, each in progress.items()}
    clocks_ms = {
        partition: max(second * SECOND_MS, progress[partition].clock_ms)
        if partition in progress
        else second * SECOND_MS
        for partition, second in view.clocks.items()
    }
    slowest = min(
        clocks_ms,
        key=lambda partition: (clocks_ms[partition], -behind.get(partition, 0)),
        default=None,
    )
    assets_ms = None if slowest is None else clocks_ms[slowest] or None
    market_ms = view.decided * SECOND_MS or None
    known = [each for each in (assets_ms, market_ms) if each is not None]
    return DetectionStatus(
        detector=detector,
        worker=worker,
        timestamp_ms=now_ms,
        partition_count=len(view.clocks),
        assigned_count=assigned_count,
        assets_decided_until_ms=assets_ms,
        market_decided_until_ms=market_ms,
        behind_ms=max(0, now_ms - min(known)) if known else None,
        behind_records=None if slowest is None else behind.get(slowest),
        slowest_partition=slowest,
        waiting_partitions=view.waiting[:MAX_WAITING],
    )
