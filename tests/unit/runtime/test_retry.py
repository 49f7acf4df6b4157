"""How long to wait between attempts, and when a breaker opens, by the policies of its users."""

import random

from prometheus_client import CollectorRegistry, Gauge

from liq.producers.live.timing import BACKOFF, BREAKER
from liq.runtime.retry import Backoff, BreakerState, CircuitBreaker, show_breaker
from liq.sinks.attempts import BACKOFF as SINK_BACKOFF


def test_live_waits_double_with_jitter_up_to_the_limit() -> None:
    source = random.Random(7)  # noqa: S311 - jitter
    for failures in range(1, 20):
        ceiling = min(BACKOFF.longest_seconds, 2 ** (failures - 1))
        waits = [BACKOFF.wait_seconds(failures, source) for _ in range(200)]
        assert min(waits) >= max(BACKOFF.first_seconds, ceiling / 2)
        assert max(waits) <= ceiling
        if failures > 1:
            assert len(set(waits)) > 100


def test_the_breaker_opens_after_failures_and_lets_one_probe_through() -> None:
    breaker = CircuitBreaker(BREAKER)
    for failures in range(1, BREAKER.failures_to_open):
        assert not breaker.fail(0.0, failures)
        assert breaker.wait_seconds(0.0) == 0.0
    assert breaker.fail(0.0, BREAKER.failures_to_open)
    assert breaker.wait_seconds(1.0) == BREAKER.first_pause_seconds - 1
    assert breaker.wait_seconds(BREAKER.first_pause_seconds) == 0.0
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.wait_seconds(BREAKER.first_pause_seconds + 1) > 0, "others wait for the probe"
    breaker.close()
    assert breaker.wait_seconds(BREAKER.first_pause_seconds + 1) == 0.0


def test_a_failed_probe_doubles_the_pause() -> None:
    breaker = CircuitBreaker(BREAKER)
    breaker.fail(0.0, BREAKER.failures_to_open)
    assert breaker.wait_seconds(60.0) == 0.0
    assert breaker.fail(60.0, BREAKER.failures_to_open + 1)
    assert breaker.wait_seconds(60.0) == 2 * BREAKER.first_pause_seconds


def test_a_rate_limit_opens_it_at_once_for_as_long_as_asked() -> None:
    breaker = CircuitBreaker(BREAKER)
    assert breaker.fail(0.0, 1, at_once=True, pause_seconds=120.0)
    assert breaker.wait_seconds(0.0) == 120.0


def test_a_breaker_that_opens_for_ever_waits_no_longer_than_five_minutes() -> None:
    breaker = CircuitBreaker(BREAKER)
    now = 0.0
    breaker.fail(now, BREAKER.failures_to_open)
    pauses = []
    for failures in range(BREAKER.failures_to_open, BREAKER.failures_to_open + 2_000):
        pauses.append(breaker.wait_seconds(now))
        now += pauses[-1]
        assert breaker.wait_seconds(now) == 0.0
        assert breaker.fail(now, failures)
    assert pauses[:4] == [60.0, 120.0, 240.0, 300.0]
    assert set(pauses[3:]) == {300.0}


def test_a_sinks_waits_grow_to_a_limit_with_jitter() -> None:
    backoff = Backoff(SINK_BACKOFF)
    waits = [backoff.next_seconds() for _ in range(2000)]
    assert all(0.125 * 2**n <= wait <= 0.25 * 2**n for n, wait in enumerate(waits[:5]))
    assert all(5.0 <= wait <= 10.0 for wait in waits[10:])
    assert len(set(waits)) > 1000
    backoff.reset()
    assert backoff.next_seconds() <= 0.25


def test_callers_that_wait_themselves_move_the_breaker_and_every_state_is_shown() -> None:
    shown: list[BreakerState] = []
    breaker = CircuitBreaker(show=shown.append)
    breaker.open()
    breaker.half_open()
    breaker.close()
    assert shown == ["closed", "open", "half_open", "closed"]
    assert breaker.state is BreakerState.CLOSED


def test_without_a_policy_it_opens_with_the_first_failure_and_leaves_the_wait_to_its_caller() -> (
    None
):
    breaker = CircuitBreaker()
    assert breaker.fail(5.0, 1)
    assert breaker.wait_seconds(5.0) == 0.0
    assert breaker.state is BreakerState.HALF_OPEN


def test_one_series_of_a_gauge_is_1() -> None:
    gauge = Gauge("breaker", "test", ["exchange", "state"], registry=CollectorRegistry())
    show_breaker(gauge, BreakerState.OPEN, "okx")
    show_breaker(gauge, BreakerState.HALF_OPEN, "okx")
    [family] = gauge.collect()
    assert {sample.labels["state"]: sample.value for sample in family.samples} == {
        "closed": 0,
        "open": 0,
        "half_open": 1,
    }
