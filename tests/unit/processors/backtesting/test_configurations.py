"""Configurations by name and value, and what is said of senseless ones."""

from decimal import Decimal

import pytest

from liq.processors.backtesting import changed, listed
from liq.processors.cascades import DetectorConfig

BASE = DetectorConfig()


def test_values_may_be_texts_or_what_toml_has() -> None:
    of_texts = listed(BASE, ["start_nats=15, min_events=8,min_value_usd=50000"])
    of_toml = changed(BASE, {"start_nats": 15, "min_events": 8, "min_value_usd": 50_000})
    assert [each.config for each in of_texts] == [of_toml]
    assert of_texts[0].name == "start_nats=15, min_events=8,min_value_usd=50000"
    assert (of_toml.min_value_usd, of_toml.min_events) == (Decimal(50_000), 8)
    assert of_toml.identity != BASE.identity


def test_values_by_asset() -> None:
    of_toml = changed(BASE, {"min_value_usd_by_asset": {"BTC": 250_000, "ETH": "99.5"}})
    [of_text] = listed(BASE, ["min_value_usd_by_asset=BTC:250000;ETH:99.5"])
    assert of_toml == of_text.config
    assert of_toml.min_value_usd_by_asset == {"BTC": Decimal(250_000), "ETH": Decimal("99.5")}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("start_nats", "NAME=VALUE"),
        ("nats=3", "none of"),
        ("min_events=many", "not the number"),
        ("min_events=2.5", "not the number"),
        ("min_value_usd=-5", "more than 0 USD"),
        ("min_value_usd=NaN", "more than 0 USD"),
        ("min_value_usd_by_asset=BTC", "not the number"),
        ("start_nats=True", "not the number"),
    ],
)
def test_a_senseless_value_is_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        listed(BASE, [text])
