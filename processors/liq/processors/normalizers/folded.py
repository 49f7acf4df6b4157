"""One rejection a frame: the frame's bytes once, with the reason of every entry."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from liq.schemas.records import Liquidation, Rejected, RejectedEntry


def fold_rejections(results: Iterable[Liquidation | Rejected]) -> list[Liquidation | Rejected]:
    """Fold the rejections of one frame into one record, which takes the place of the first."""
    folded: list[Liquidation | Rejected] = []
    rejections: list[Rejected] = []
    place = 0
    for result in results:
        if isinstance(result, Rejected):
            if not rejections:
                place = len(folded)
            rejections.append(result)
        else:
            folded.append(result)
    if rejections:
        folded.insert(place, one_rejection(rejections))
    return folded


def one_rejection(rejections: Sequence[Rejected]) -> Rejected:
    """Fold the rejections of one frame, in their order, into one record; there is at least one."""
    first = rejections[0]
    if len(rejections) == 1:
        return first
    return replace(
        first,
        entries=tuple(RejectedEntry(each.entry, each.reason, each.detail) for each in rejections),
    )
