"""No cascade lasts for ever or mutes another: level shifts, crashes within crashes, long ones."""

import pytest

from liq.processors.cascades.cascade import UPDATE_SECONDS
from liq.processors.cascades.lane import LIMIT_SECONDS, SHIFT_SECONDS
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, EndReason, Scope, Side
from tests.support.cascade_traffic import HOUR, MINUTE, Traffic, detect, messages, second_of

LEVELS = ("minor", "moderate", "major", "extreme")
BTC = ("BTC",)


def seconds_open(alerts: list[CascadeAlert]) -> list[float]:
    """Return for how long each cascade was open, from its start to the record of its end."""
    starts = {
        alert.cascade_id: alert.timestamp_ms for alert in alerts if alert.type is AlertType.DETECTED
    }
    return [
        (alert.timestamp_ms - starts[alert.cascade_id]) / 1_000
        for alert in alerts
        if alert.type is AlertType.ENDED
    ]


def told(alerts: list[CascadeAlert], asset: str, start: float, end: float) -> list[CascadeAlert]:
    """Return the starts and escalations of an asset that people are told of in some seconds."""
    return [
        message.alert
        for message in messages(alerts)
        if message.alert.asset == asset
        and message.alert.type in {AlertType.DETECTED, AlertType.ESCALATED}
        and start <= second_of(message.alert.timestamp_ms) <= end
    ]


def test_twice_the_traffic_after_a_burst_is_no_cascade_of_hours() -> None:
    traffic = Traffic()
    traffic.flow(0, 4 * HOUR, 60)
    traffic.burst(4 * HOUR, 30, count=250, usd=8e6)
    traffic.flow(4 * HOUR, 10 * HOUR, 120)
    alerts = detect(traffic)
    assert told(alerts, "", 4 * HOUR, 4 * HOUR + 30)
    assert max(seconds_open(alerts)) < SHIFT_SECONDS + 10 * MINUTE
    assert not told(alerts, "", 5 * HOUR, 10 * HOUR)


def test_a_level_shift_of_one_asset_becomes_its_normal() -> None:
    traffic = Traffic()
    for start, end, per_minute in ((0, 4, 6), (4, 10, 36), (10, 11, 6)):
        traffic.flow(
            start * HOUR,
            end * HOUR,
            per_minute,
            assets=BTC,
            sides=(Side.LONG,),
            median_usd=3_000.0,
        )
    alerts = detect(traffic)
    ends = [alert for alert in alerts if alert.type is AlertType.ENDED]
    assert [end.end_reason for end in ends][:1] == [EndReason.LEVEL_SHIFT]
    assert "usual" in ends[0].explanation
    assert sum(seconds_open(alerts)) < HOUR


@pytest.mark.parametrize("pause", [10 * MINUTE, 20 * MINUTE, 60 * MINUTE])
def test_every_crash_in_a_busy_market_is_told(pause: int) -> None:
    first = 4 * HOUR + 5 * MINUTE
    bitcoin, ether, second, alt = (first + step * pause for step in (1, 2, 3, 4))
    traffic = Traffic()
    traffic.flow(0, 4 * HOUR, 40)
    traffic.flow(4 * HOUR, alt + MINUTE, 100)
    traffic.burst(first, 60, count=400, usd=20e6)
    traffic.burst(bitcoin, 40, count=60, usd=5e6, assets=BTC)
    traffic.burst(ether, 40, count=50, usd=4e6, assets=("ETH",))
    traffic.burst(second, 60, count=400, usd=20e6)
    traffic.burst(alt, 30, count=30, usd=0.8e6, assets=("ALT07",))
    alerts = detect(traffic)
    for asset, start in (("", first), ("BTC", bitcoin), ("ETH", ether), ("", second)):
        found = told(alerts, asset, start, start + 60)
        assert max(LEVELS.index(alert.level) for alert in found) >= LEVELS.index("major"), asset
    assert told(alerts, "ALT07", alt, alt + 30)


def test_a_second_crash_within_a_first_is_an_escalation() -> None:
    traffic = Traffic()
    traffic.flow(0, 2 * HOUR, 40)
    start = 2 * HOUR
    traffic.burst(start, 40, count=80, usd=5e6, assets=BTC)
    # Enough to keep the cascade hot in between.
    traffic.burst(start, 300, count=120, usd=300_000, assets=BTC)
    traffic.burst(start + 180, 40, count=80, usd=5e6, assets=BTC)
    alerts = [alert for alert in detect(traffic) if alert.asset == "BTC"]
    assert len({alert.cascade_id for alert in alerts if alert.type is AlertType.DETECTED}) == 1
    again = told(alerts, "BTC", start + 180, start + 220)
    assert [alert.type for alert in again][:1] == [AlertType.ESCALATED]
    assert again[-1].level in {"major", "extreme"}


def test_no_cascade_is_open_for_more_than_the_limit() -> None:
    traffic = Traffic()
    traffic.flow(0, 4 * HOUR, 6, assets=BTC, sides=(Side.LONG,))
    start = 4 * HOUR
    # Each wave is far above the last quarter of an hour, so the cascade stays hot.
    for minute in range(90):
        size = 1.06**minute
        traffic.burst(
            start + minute * MINUTE, 30, count=round(20 * size), usd=4e5 * size, assets=BTC
        )
    alerts = [alert for alert in detect(traffic) if alert.scope is Scope.ASSET]
    assert max(seconds_open(alerts)) == LIMIT_SECONDS
    reasons = [alert.end_reason for alert in alerts if alert.type is AlertType.ENDED]
    assert EndReason.TIME_LIMIT in reasons


def test_level_and_score_are_of_one_second_and_no_level_is_told_late() -> None:
    limits = {"minor": (0, 45), "moderate": (45, 60), "major": (60, 75), "extreme": (75, 101)}
    for seed in range(6):
        traffic = Traffic(seed)
        traffic.flow(0, 2 * HOUR, 40)
        for number, usd in enumerate((3e5, 1e6, 5e6, 2e7)):
            start = 2 * HOUR + number * 20 * MINUTE
            traffic.burst(start, 50, count=40 + 40 * number, usd=usd, assets=BTC)
        highest: dict[str, int] = {}
        for alert in detect(traffic):
            if alert.type is AlertType.WATCH:
                continue
            low, high = limits[alert.level]
            assert low <= alert.risk_score < high
            level = LEVELS.index(alert.level)
            before = highest.setdefault(alert.cascade_id, level)
            if alert.type in {AlertType.DETECTED, AlertType.ESCALATED}:
                highest[alert.cascade_id] = max(before, level)
            else:
                # An update between them, and the end, know of no higher level than was told.
                assert level <= before
    assert UPDATE_SECONDS > 2
