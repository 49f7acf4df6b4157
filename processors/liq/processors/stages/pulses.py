"""Beats of the detector as records of the pulse topic, and back.

What is read back is checked: another writer's times or sums would stay in the market's state.
"""

from decimal import Decimal
from typing import Final

from liq.processors.cascades.alerts import usd
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.observation import cents
from liq.schemas.codec import DecodeError
from liq.schemas.plausible_time import LATEST_MS
from liq.schemas.records import CascadeAlert, Pulse, PulseSlice
from liq.schemas.units import SECOND_MS

#: More than all that the detector's own limits let into one second of one asset.
MAX_USD: Final = Decimal(10) ** 18
MAX_EVENTS: Final = 10**9
MAX_NAME_CHARACTERS: Final = 256
MAX_DECIMAL_EXPONENT: Final = 30
MAX_DECIMAL_CHARACTERS: Final = 64


def pulse_of(beat: Beat) -> Pulse:
    """The record of a beat."""
    return Pulse(
        asset=beat.base,
        side=beat.side,
        timestamp_ms=(beat.tick + 1) * SECOND_MS,
        slices=tuple(
            PulseSlice(second * SECOND_MS, events, usd(value))
            for second, events, value in beat.slices
        ),
        exchanges=beat.exchanges,
        complete_count=beat.complete,
        largest_event_id=beat.top[1],
        largest_usd=usd(-beat.top[0]),
    )


def beat_of(pulse: Pulse) -> Beat:
    """The beat of a record.

    Raises:
        DecodeError: a name, a time, a count or a sum that no detector writes.
    """
    _check_names(pulse.asset, *pulse.exchanges, pulse.largest_event_id)
    _check_times(pulse.timestamp_ms, *(item.second_ms for item in pulse.slices))
    for count in (pulse.complete_count, *(item.event_count for item in pulse.slices)):
        if not 0 <= count <= MAX_EVENTS:
            raise DecodeError(f"{count} liquidations in a second")
    for value in (pulse.largest_usd, *(item.value_usd for item in pulse.slices)):
        if not 0 <= value <= MAX_USD:
            raise DecodeError("more dollars in a second than there are")
    return Beat(
        base=pulse.asset,
        side=pulse.side,
        tick=pulse.timestamp_ms // SECOND_MS - 1,
        slices=tuple(
            (item.second_ms // SECOND_MS, item.event_count, cents(item.value_usd))
            for item in pulse.slices
        ),
        exchanges=pulse.exchanges,
        complete=pulse.complete_count,
        top=(-cents(pulse.largest_usd), pulse.largest_event_id),
    )


def checked_alert(alert: CascadeAlert) -> CascadeAlert:
    """Return an alert of an asset as it is.

    Raises:
        DecodeError: it is the market's own, or has a name, a time or a number that no detector
            writes.
    """
    _check_names(alert.asset, alert.cascade_id, alert.alert_id, *alert.exchanges, *alert.symbols)
    _check_times(alert.started_at_ms, alert.timestamp_ms, alert.ended_at_ms or 0)
    if not 0 <= alert.event_count <= MAX_EVENTS or not 0 <= alert.sequence <= MAX_EVENTS:
        raise DecodeError("more liquidations or records in a cascade than there are")
    for value in (alert.total_value_usd, alert.price_first, alert.price_last):
        is_small = len(str(value)) <= MAX_DECIMAL_CHARACTERS
        if not is_small or abs(value.adjusted()) > MAX_DECIMAL_EXPONENT:
            raise DecodeError("a number that no market can give")
    return alert


def _check_names(*names: str) -> None:
    for name in names:
        if not 0 < len(name) <= MAX_NAME_CHARACTERS:
            raise DecodeError(f"a name of {len(name)} characters, not 1 to {MAX_NAME_CHARACTERS}")


def _check_times(*times_ms: int) -> None:
    for time_ms in times_ms:
        if not 0 <= time_ms < LATEST_MS:
            raise DecodeError(f"{time_ms} is no UTC time in ms before 2100")
