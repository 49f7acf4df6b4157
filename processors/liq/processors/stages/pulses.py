"""Conversion between the detector's beats and records of the pulse topic.

Records are checked on reading, because a foreign writer's times or sums would stay in the market's
state.
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

#: More than the detector's own limits allow in one second of one asset.
MAX_USD: Final = Decimal(10) ** 18
MAX_EVENTS: Final = 10**9
MAX_NAME_CHARACTERS: Final = 256
MAX_BLIND_NAMES: Final = 64
MAX_DECIMAL_EXPONENT: Final = 30
MAX_DECIMAL_CHARACTERS: Final = 64


def pulse_of(beat: Beat) -> Pulse:
    """Return the record of a beat."""
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
        blind=beat.blind,
    )


def beat_of(pulse: Pulse) -> Beat:
    """Return the beat of a record.

    Raises:
        DecodeError: the record has a name, a time, a count or a sum that no detector writes.
    """
    _check_names(pulse.asset, *pulse.exchanges, pulse.largest_event_id, *pulse.blind)
    if len(pulse.blind) > MAX_BLIND_NAMES:
        raise DecodeError(f"{len(pulse.blind)} blind venues, not {MAX_BLIND_NAMES} at most")
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
        blind=pulse.blind,
    )


def checked_alert(alert: CascadeAlert) -> CascadeAlert:
    """Check an alert of an asset; return it unchanged.

    Raises:
        DecodeError: it is the market's own, or has a name, a time or a number that no detector
            writes.
    """
    _check_names(alert.asset, alert.cascade_id, alert.alert_id, *alert.exchanges, *alert.symbols)
    _check_times(alert.started_at_ms, alert.timestamp_ms, alert.ended_at_ms or 0)
    if not 0 <= alert.event_count <= MAX_EVENTS or not 0 <= alert.sequence <= MAX_EVENTS:
        raise DecodeError("more liquidations or records in a cascade than there are")
    for value in (alert.total_value_usd, alert.price_first, alert.price_last, *_amounts(alert)):
        is_small = len(str(value)) <= MAX_DECIMAL_CHARACTERS
        if not is_small or abs(value.adjusted()) > MAX_DECIMAL_EXPONENT:
            raise DecodeError("a number that no market can give")
    return alert


def _amounts(alert: CascadeAlert) -> list[Decimal]:
    """Return the decimals of an alert's optional fields."""
    amounts = [] if alert.usd_per_second is None else [alert.usd_per_second]
    if alert.price is not None:
        amounts += [alert.price.first, alert.price.now]
    if alert.estimate is not None:
        estimate = alert.estimate
        amounts += [estimate.value_usd, estimate.low_usd, estimate.high_usd]
    return amounts


def _check_names(*names: str) -> None:
    for name in names:
        if not 0 < len(name) <= MAX_NAME_CHARACTERS:
            raise DecodeError(f"a name of {len(name)} characters, not 1 to {MAX_NAME_CHARACTERS}")


def _check_times(*times_ms: int) -> None:
    for time_ms in times_ms:
        if not 0 <= time_ms < LATEST_MS:
            raise DecodeError(f"{time_ms} is no UTC time in ms before 2100")
