"""Waiting for contract metadata that a frame's header names."""

from unittest.mock import Mock

import pytest

from liq.processors.normalizers import load_snapshot
from liq.processors.workers import instrument_follower
from liq.processors.workers.instrument_follower import MAX_AHEAD_RECORDS, InstrumentFollower
from liq.runtime.health import Health
from liq.runtime.settings import Settings


async def test_an_offset_that_nobody_can_mean_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instrument_follower, "WAIT_SECONDS", 0.0)
    follower = InstrumentFollower(Settings(), load_snapshot(), Mock(), Health())
    for offset in (2**62, MAX_AHEAD_RECORDS + 1):
        await follower.wait_for(offset)
        assert follower._missed_offset == -1
    # One that may come is waited for, within the bound.
    await follower.wait_for(7)
    assert follower._missed_offset == 7
