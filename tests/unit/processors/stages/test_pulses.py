"""What another writer may put on the pulse topic."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from liq.processors.stages.pulses import MAX_EVENTS, MAX_USD, beat_of, checked_alert
from liq.schemas.codec import DecodeError
from liq.schemas.plausible_time import LATEST_MS
from liq.schemas.records import CascadeEstimate, Pulse, PulseSlice
from liq.schemas.vocabulary import Side
from tests.support import sample_records

NOW_MS = 1_783_500_000_000
PULSE = Pulse(
    asset="BTC",
    side=Side.LONG,
    timestamp_ms=NOW_MS,
    slices=(PulseSlice(NOW_MS - 1_000, 1, Decimal(5)),),
    exchanges=("okx",),
    complete_count=1,
    largest_event_id="a",
    largest_usd=Decimal(5),
)
ALERT = sample_records.alert()
OVERFLOW = Decimal("1" + "0" * 999_990)


def test_a_true_pulse_and_a_true_alert_are_read() -> None:
    assert beat_of(PULSE).tick == NOW_MS // 1_000 - 1
    assert checked_alert(ALERT) is ALERT


@pytest.mark.parametrize(
    "changes",
    [
        {"asset": ""},
        {"asset": "x" * 257},
        {"exchanges": ("x" * 257,)},
        {"blind": ("x" * 257,)},
        {"blind": ("x",) * 65},
        {"timestamp_ms": -1},
        {"timestamp_ms": LATEST_MS},
        {"complete_count": -1},
        {"largest_usd": OVERFLOW},
        {"slices": (PulseSlice(2**63, 1, Decimal(5)),)},
        {"slices": (PulseSlice(NOW_MS, MAX_EVENTS + 1, Decimal(5)),)},
        {"slices": (PulseSlice(NOW_MS, 1, OVERFLOW),)},
        {"slices": (PulseSlice(NOW_MS, 1, -MAX_USD),)},
    ],
)
def test_a_pulse_that_no_detector_writes_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        beat_of(replace(PULSE, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"asset": ""},
        {"cascade_id": "x" * 257},
        {"timestamp_ms": LATEST_MS},
        {"ended_at_ms": 2**63},
        {"sequence": -1},
        {"event_count": MAX_EVENTS + 1},
        {"total_value_usd": OVERFLOW},
        {"price_last": Decimal("0." + "0" * 60 + "1")},
        {"usd_per_second": OVERFLOW},
        {"estimate": CascadeEstimate(value_usd=OVERFLOW, low_usd=OVERFLOW, high_usd=OVERFLOW)},
    ],
)
def test_an_alert_that_no_detector_writes_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        checked_alert(replace(ALERT, **changes))
