"""The simple detector's behaviour, fixed: a yardstick must not move."""

from collections.abc import Mapping, Sequence
from typing import Any

from liq.processors.cascades import BasicDetector
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import Side
from tests.support.cascade_events import START_MS, liquidation


def alerts(events: Sequence[Mapping[str, Any]]) -> list[CascadeAlert | None]:
    detector = BasicDetector()
    return [
        detector.apply(liquidation(f"e{number}", **event)) for number, event in enumerate(events)
    ]


def test_every_event_from_the_fifth_on_is_an_alert() -> None:
    found = alerts([{"at_ms": number * 1_000} for number in range(7)])
    assert [alert is not None for alert in found] == [False] * 4 + [True] * 3


def test_assets_and_sides_share_one_buffer() -> None:
    mixed = [
        {"at_ms": number * 1_000, "base": f"A{number}", "side": side}
        for number, side in enumerate([Side.LONG, Side.SHORT, Side.LONG, Side.SHORT, Side.LONG])
    ]
    (alert,) = [one for one in alerts(mixed) if one is not None]
    assert (alert.event_count, alert.long_ratio, alert.side) == (5, 0.6, Side.LONG)
    assert alert.risk_score == alert.basic_risk_score == 1.46


def test_a_minute_later_the_buffer_is_empty() -> None:
    events = [{"at_ms": number * 1_000} for number in range(5)] + [{"at_ms": 64_000}]
    assert alerts(events)[-1] is None


def test_money_is_needed_too() -> None:
    small = [{"at_ms": number, "value_usd": "19999.99"} for number in range(5)]
    assert alerts(small)[-1] is None
    assert alerts([{**event, "value_usd": "20000"} for event in small])[-1] is not None


def test_the_score_is_the_first_formula() -> None:
    events = [{"at_ms": number * 100, "value_usd": "50000"} for number in range(120)]
    last = alerts(events)[-1]
    assert last is not None
    # 2 events a second x 10, and 6 million x 5.
    assert last.risk_score == 50.0
    assert last.started_at_ms == START_MS
