from decimal import Decimal
from typing import Any

import pytest

from processors.cascades import DetectorConfig


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"window_seconds": 0}, "window must be 1 to 3600 seconds, not 0"),
        ({"window_seconds": 3_601}, "window must be 1 to 3600 seconds, not 3601"),
        ({"min_events": 0}, "at least one event, not 0"),
        ({"min_value_usd": Decimal(0)}, "more than 0 USD, not 0"),
        ({"min_value_usd": Decimal("NaN")}, "more than 0 USD, not NaN"),
        ({"allowed_lateness_seconds": -1}, "lateness must be 0 to 3600 seconds, not -1"),
    ],
)
def test_senseless_values_are_refused_with_a_sentence(
    values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        DetectorConfig(**values)


def test_identity_is_stable_and_tells_configurations_apart() -> None:
    assert DetectorConfig().identity == "threshold-1:1c5980b7"
    assert DetectorConfig(min_value_usd=Decimal("1E+5")).identity == DetectorConfig().identity
    changed = [
        DetectorConfig(window_seconds=61),
        DetectorConfig(min_events=6),
        DetectorConfig(min_value_usd=Decimal("100000.01")),
        DetectorConfig(allowed_lateness_seconds=61),
    ]
    assert len({config.identity for config in [DetectorConfig(), *changed]}) == 5
