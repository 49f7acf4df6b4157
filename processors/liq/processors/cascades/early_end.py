"""Ends of cascades without a decision of the detector: the log was replaced, or state was lost."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from liq.processors.cascades.alerts import digest
from liq.processors.cascades.explain import explain_early_end
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Caveat, Scope

#: Records that neither open nor continue a cascade.
_BESIDE: Final = frozenset({AlertType.WATCH, AlertType.LINKED})


def end_early(newest: CascadeAlert, caveat: Caveat) -> CascadeAlert:
    """Return the end record of an open cascade; it repeats the numbers of its newest record."""
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
    """Return an end with the caveat and its own alert id.

    The id differs from that of the end that the detector decides when it reads the log again.
    """
    return replace(
        ended,
        alert_id=digest(ended.cascade_id, AlertType.ENDED, caveat),
        caveat=caveat,
        end_reason=None,
        continue_probability=None,
        expected_more_usd=None,
        explanation=explain_early_end(ended, caveat),
    )


def open_cascades(alerts: Iterable[CascadeAlert], until_ms: int | None) -> dict[str, CascadeAlert]:
    """Map the id of each open cascade to its newest record.

    Records decided after the clock `until_ms` do not count: reading the log again from there
    repeats them.
    """
    newest: dict[str, CascadeAlert] = {}
    ended: set[str] = set()
    for alert in alerts:
        if alert.type in _BESIDE or (until_ms is not None and _decided_at_ms(alert) > until_ms):
            continue
        known = newest.get(alert.cascade_id)
        if known is None or alert.sequence > known.sequence:
            newest[alert.cascade_id] = alert
        if alert.type is AlertType.ENDED:
            ended.add(alert.cascade_id)
    return {name: alert for name, alert in newest.items() if name not in ended}


def _decided_at_ms(alert: CascadeAlert) -> int:
    """Return the earliest clock (UTC, ms) at which a record can have been decided.

    That is the record's time, the end of its second. An asset's cascade already ends when its last
    second begins.
    """
    is_early = alert.type is AlertType.ENDED and alert.scope is Scope.ASSET
    return alert.timestamp_ms - SECOND_MS * is_early
