"""What is no cascade of the market: common shocks, and the smaller side of one."""

from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Scope, Side
from tests.support.cascade_traffic import ALTS, HOUR, MINUTE, Traffic, detect

DAY_OF_SHOCKS = 6 * HOUR


def market_starts(alerts: list[CascadeAlert]) -> list[CascadeAlert]:
    """Return the starts of market cascades."""
    return [
        alert
        for alert in alerts
        if alert.scope is Scope.MARKET and alert.type is AlertType.DETECTED
    ]


def test_small_shocks_of_many_assets_at_once_are_no_crash() -> None:
    traffic = Traffic()
    traffic.flow(0, DAY_OF_SHOCKS, 20)
    for minute in range(60, DAY_OF_SHOCKS // MINUTE, 4):
        hit = traffic.chance.sample(ALTS, k=traffic.chance.randint(8, 25))
        for asset in hit:
            traffic.burst(minute * MINUTE, 5, count=2, usd=3_000, assets=(asset,))
    assert len(market_starts(detect(traffic))) <= 1


def test_a_crash_of_many_assets_is_one() -> None:
    traffic = Traffic()
    traffic.flow(0, 3 * HOUR, 20)
    traffic.burst(2 * HOUR, 90, count=300, usd=10e6)
    (start,) = market_starts(detect(traffic))
    assert start.side is Side.LONG


def test_the_smaller_side_of_a_crash_starts_no_cascade_of_the_market() -> None:
    traffic = Traffic()
    traffic.flow(0, 3 * HOUR, 20)
    traffic.burst(2 * HOUR, 120, count=870, usd=87e6)
    traffic.burst(2 * HOUR, 120, count=130, usd=13e6, side=Side.SHORT)
    alerts = detect(traffic)
    assert [start.side for start in market_starts(alerts)] == [Side.LONG]
    assert {alert.side for alert in alerts if alert.scope is Scope.MARKET} == {Side.LONG}
