"""Pace: recorded time becomes real time, divided by the factor; heartbeats fall on seconds."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.producers.recorded.pace import Pace, heartbeat_times, parse_speed
from liq.runtime.errors import ConfigurationError
from liq.schemas.units import SECOND_NS

START = 1_783_528_952


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("1", 1.0), ("0.5", 0.5), ("60", 60.0)])
def test_speeds(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "fast", "0", "-1", "nan", "inf"])
def test_other_speeds_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="neither max nor a number above 0"):
        parse_speed(text)


def test_heartbeats_at_recorded_pace_fall_on_every_second() -> None:
    after, until = START * SECOND_NS + 500_000_000, (START + 3) * SECOND_NS
    assert list(heartbeat_times(after, until, 1.0)) == [
        (START + seconds) * SECOND_NS for seconds in (1, 2, 3)
    ]


@given(st.integers(0, 10**19), st.integers(0, 10**11), st.floats(0.01, 1000))
def test_heartbeats_lie_between_frames_and_are_at_most_ten_a_second(
    after: int, gap: int, speed: float
) -> None:
    times = list(heartbeat_times(after, after + gap, speed))
    assert all(after < time <= after + gap for time in times)
    assert all(time % SECOND_NS == 0 for time in times)
    assert len(times) <= gap / SECOND_NS / speed * 10 + 1


def test_no_heartbeats_when_time_runs_backwards() -> None:
    assert list(heartbeat_times(5 * SECOND_NS, 2 * SECOND_NS, 1.0)) == []


async def test_a_wait_lasts_the_recorded_time_divided_by_the_factor() -> None:
    pace, stop = Pace(100.0), asyncio.Event()
    loop = asyncio.get_running_loop()
    started = loop.time()  # before the pace starts: a busy machine can only lengthen what follows
    await pace.wait_until(START * SECOND_NS, stop)
    await pace.wait_until((START + 10) * SECOND_NS, stop)
    assert loop.time() - started >= 0.1 - time.get_clock_info("monotonic").resolution


async def test_a_wait_ends_when_the_replay_is_stopped() -> None:
    pace, stop = Pace(1.0), asyncio.Event()
    await pace.wait_until(START * SECOND_NS, stop)
    waiting = asyncio.create_task(pace.wait_until((START + 3600) * SECOND_NS, stop))
    stop.set()
    async with asyncio.timeout(20):
        await waiting
