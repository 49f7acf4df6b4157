from decimal import Decimal
from typing import Any

import pytest

from liq.processors.cascades import DetectorConfig
from liq.processors.cascades.config import ASSET_DISPERSION, dispersion_of


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"window_seconds": 19}, "window must be 20 to 300 seconds, not 19"),
        ({"window_seconds": 301}, "window must be 20 to 300 seconds, not 301"),
        ({"min_events": 0}, "at least one event, not 0"),
        ({"min_value_usd": Decimal(0)}, "more than 0 USD, not 0"),
        ({"min_value_usd": Decimal("NaN")}, "more than 0 USD, not NaN"),
        ({"min_value_usd_by_asset": {"BTC": Decimal(-1)}}, "more than 0 USD, not -1"),
        ({"quiet_seconds": 59}, "whole window of 60 seconds before it ends, not for 59"),
        ({"hot_nats": 0.0}, "between 0 and the one to start"),
        ({"market_breadth": 0}, "must be at least 1"),
    ],
)
def test_senseless_values_are_refused_with_a_sentence(
    values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        DetectorConfig(**values)


def test_identity_tells_configurations_apart_and_equal_ones_not() -> None:
    assert DetectorConfig(min_value_usd=Decimal("1E+5")).identity == DetectorConfig().identity
    changed = [
        DetectorConfig(window_seconds=61),
        DetectorConfig(min_events=6),
        DetectorConfig(min_value_usd=Decimal("100000.01")),
        DetectorConfig(min_value_usd_by_asset={"BTC": Decimal(1_000_000)}),
        DetectorConfig(start_nats=30.0),
        DetectorConfig(score_gate=30.0),
        DetectorConfig(watch_nats=5.0),
        DetectorConfig(hot_nats=3.0),
        DetectorConfig(dollar_nats=1.0),
        DetectorConfig(quiet_seconds=91),
        DetectorConfig(memory_hours=4),
        DetectorConfig(market_breadth=9),
    ]
    assert len({config.identity for config in [DetectorConfig(), *changed]}) == 13


def test_an_asset_may_have_a_floor_of_its_own() -> None:
    config = DetectorConfig(min_value_usd_by_asset={"BTC": Decimal(1_000_000)})
    assert config.asset_rules("BTC").floor_cents == 10 * config.asset_rules("ETH").floor_cents


def test_the_dispersion_of_another_window_lies_between_its_neighbours() -> None:
    middles = [dispersion_of(ASSET_DISPERSION, width).middle for width in (20, 60, 120, 300)]
    assert middles == sorted(middles)
    assert middles[1] == ASSET_DISPERSION.middle
    assert middles[3] == ASSET_DISPERSION.long
