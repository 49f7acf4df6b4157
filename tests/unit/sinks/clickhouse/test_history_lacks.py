"""Which live events a history lacks, and of which events that is not known."""

from typing import Any

import pytest

from liq.producers.history.registry import HISTORIES
from liq.sinks.clickhouse.history_lacks import EXACT_JOINS, LiveEvent, lacking

FRAME = {"topic": "raw.okx", "partition": 0, "offset": 7}
OTHER = {**FRAME, "offset": 8}


def late(*times_ms: int, **changes: Any) -> list[dict[str, Any]]:
    document = {
        "exchange": "okx", "native_symbol": "BTC-USDT-SWAP", "arrival": "completed",
        "source": FRAME, **changes,
    }  # fmt: skip
    return [{**document, "timestamp_ms": each, "event_id": f"id {each}"} for each in times_ms]


def live(time_ms: int, exchange: str = "okx", symbol: str = "BTC-USDT-SWAP") -> LiveEvent:
    return LiveEvent(exchange, symbol, time_ms, f"id {time_ms}")


@pytest.mark.parametrize("times_ms", [(0, 5_000, 9_000), (9_000, 5_000, 0)])
@pytest.mark.parametrize("arrival", ["completed", "backfilled"])
def test_a_live_event_between_two_of_an_answer_is_lacking(
    times_ms: tuple[int, ...], arrival: str
) -> None:
    events = [live(each) for each in (5_000, 6_000, 12_000)]
    assert lacking(late(*times_ms, arrival=arrival), events) == [live(6_000)]


@pytest.mark.parametrize(
    ("history", "event"),
    [
        pytest.param(late(0, 9_000), live(0), id="in the history"),
        pytest.param(late(0, 9_000), live(9_500), id="after the answer"),
        pytest.param(late(0, 9_000), live(900), id="perhaps of the second of the answer's end"),
        pytest.param(late(0, 9_000), live(5_000, symbol="ETH-USDT-SWAP"), id="other contract"),
        pytest.param(late(0, 9_000, arrival="imported"), live(5_000), id="an import"),
        pytest.param(late(0, 9_000, exchange="htx"), live(5_000, "htx"), id="ids may differ"),
        pytest.param(late(0, 9_000, 3_000), live(5_000), id="an answer without an order"),
        pytest.param([*late(0), *late(9_000, source=OTHER)], live(5_000), id="between answers"),
        pytest.param([*late(0, 9_000), *late(5_000, source=OTHER)], live(5_000), id="elsewhere"),
    ],
)
def test_an_event_that_the_history_may_have_is_not_lacking(
    history: list[dict[str, Any]], event: LiveEvent
) -> None:
    assert lacking(history, [event]) == []


def test_the_exchanges_with_exact_joins_have_histories_that_are_published_whole() -> None:
    whole = {spec.exchange for spec in HISTORIES if spec.split is None and spec.feed}
    assert whole >= EXACT_JOINS
