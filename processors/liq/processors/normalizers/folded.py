"""Folding of a frame's rejections into one record with the reason of every entry."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from liq.schemas.records import Liquidation, Rejected, RejectedEntry


def fold_rejections(results: Iterable[Liquidation | Rejected]) -> list[Liquidation | Rejected]:
    """Fold the rejections of one frame into one record, at the position of the first."""
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
    """Fold the rejections of one frame, in order, into one record; at least one is required."""
    first = rejections[0]
    if len(rejections) == 1:
        return first
    return replace(
        first,
        entries=tuple(RejectedEntry(each.entry, each.reason, each.detail) for each in rejections),
    )
