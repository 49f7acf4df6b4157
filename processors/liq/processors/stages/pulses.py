"""Beats of the detector as records of the pulse topic, and back."""

from liq.processors.cascades.alerts import usd
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.observation import cents
from liq.schemas.records import Pulse, PulseSlice
from liq.schemas.units import SECOND_MS


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
    """The beat of a record."""
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
