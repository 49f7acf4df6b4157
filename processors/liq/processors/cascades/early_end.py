"""Ends of cascades that no decision on the log brings: the log was replaced, or state was lost."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from liq.processors.cascades.alerts import digest
from liq.processors.cascades.explain import explain_early_end
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Caveat

#: Records that neither open a cascade nor carry it on.
_BESIDE: Final = frozenset({AlertType.WATCH, AlertType.LINKED})


def end_early(newest: CascadeAlert, caveat: Caveat) -> CascadeAlert:
    """Return the end of an open cascade by its newest record, whose numbers it repeats."""
    return mark_early(
        replace(
            newest,
            sequence=newest.sequence + 1,
            type=AlertType.ENDED,
            ended_at_ms=newest.timestamp_ms,
            notify=True,
        ),
        caveat,
    )


def mark_early(ended: CascadeAlert, caveat: Caveat) -> CascadeAlert:
    """Give an end its reason, and an id of its own: the same log read again has another end."""
    return replace(
        ended,
        alert_id=digest(ended.cascade_id, AlertType.ENDED, caveat),
        caveat=caveat,
        explanation=explain_early_end(ended, caveat),
    )


def open_cascades(alerts: Iterable[CascadeAlert], until_ms: int | None) -> dict[str, CascadeAlert]:
    """Return the newest record of each cascade that is open, by cascade id.

    Records of after `until_ms` do not count: the log is read again from there, and repeats them.
    """
    newest: dict[str, CascadeAlert] = {}
    ended: set[str] = set()
    for alert in alerts:
        if alert.type in _BESIDE or (until_ms is not None and alert.timestamp_ms > until_ms):
            continue
        known = newest.get(alert.cascade_id)
        if known is None or alert.sequence > known.sequence:
            newest[alert.cascade_id] = alert
        if alert.type is AlertType.ENDED:
            ended.add(alert.cascade_id)
    return {name: alert for name, alert in newest.items() if name not in ended}
