"""Thousands of liquidations in one millisecond, as a venue's burst of messages has them."""

from decimal import Decimal

import pytest

from liq.processors.cascades import DetectorConfig
from liq.processors.cascades.engine import CascadeEngine
from liq.processors.cascades.observation import Observation
from liq.processors.cascades.starting import FILLS_OF_AN_ORDER
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side

START_MS = 1_752_833_854_000


def alerts_of(count: int, usd: int) -> list[CascadeAlert]:
    """Return the alerts of so many liquidations of BTC longs on one venue in one millisecond."""
    engine = CascadeEngine(DetectorConfig())
    alerts = []
    for number in range(count):
        event = Observation(
            f"{number:032x}",
            "BTC",
            Side.LONG,
            "binance",
            "BTCUSDT",
            START_MS,
            START_MS + 5,
            usd * 100,
            Decimal(60_000),
            is_complete=True,
        )
        alerts += engine.observe(event, number)
    alerts += engine.heartbeat(START_MS + 1_000, count)
    return [alert for alert in [*alerts, *engine.finish()] if alert.type is not AlertType.WATCH]


@pytest.mark.parametrize(("count", "usd"), [(20_000, 64_000), (20_000, 100), (4_000, 64_000)])
def test_a_flood_in_one_millisecond_gives_an_alert(count: int, usd: int) -> None:
    detected, ended = alerts_of(count, usd)
    assert (detected.type, detected.asset) == (AlertType.DETECTED, "BTC")
    assert detected.timestamp_ms == START_MS + 1_000
    assert (detected.event_count, detected.total_value_usd) == (count, Decimal(count * usd))
    assert ended.type is AlertType.ENDED


def test_the_fills_of_one_order_give_none() -> None:
    assert alerts_of(FILLS_OF_AN_ORDER, 64_000) == []
