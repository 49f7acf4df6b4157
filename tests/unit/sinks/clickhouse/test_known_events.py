"""An imported event is known by its id, or by what the venue said with numbers."""

from dataclasses import replace
from decimal import Decimal

from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import ContractKind
from liq.sinks.clickhouse.known_events import StoredEvent, key_of, unknown_events
from tests.support.sample_records import liquidation

OWN = "import:tardis:"


def row_of(event: Liquidation, origin: str = "liquidations.raw.okx") -> StoredEvent:
    return StoredEvent(
        event.event_id,
        event.exchange,
        event.native_symbol,
        event.side.value,
        event.timestamp_ms,
        event.contract.value,
        event.quantity,
        event.value_usd,
        origin,
    )


def fresh(events: list[Liquidation], stored: list[StoredEvent]) -> list[str]:
    return [event.event_id for event in unknown_events(events, stored, brought_by=OWN)]


EVENTS = [liquidation(number) for number in range(4)]
IDS = [event.event_id for event in EVENTS]


def test_events_with_a_stored_id_are_known_whoever_brought_them() -> None:
    stored = [row_of(EVENTS[1]), row_of(EVENTS[2], f"{OWN}x.csv")]
    assert fresh(EVENTS, stored) == [IDS[0], IDS[3]]
    assert fresh(EVENTS, []) == IDS


def test_the_same_order_under_another_id_is_known_once() -> None:
    event = EVENTS[0]
    padded = replace(event, event_id="live", quantity=event.quantity * Decimal("1.000"))
    twin = replace(event, event_id="twin")
    # Copies of a row that are not merged yet are one row.
    assert fresh([event, twin], [row_of(padded), row_of(padded)]) == ["twin"]
    assert fresh([event, twin], [row_of(padded), row_of(replace(padded, event_id="b"))]) == []


def test_what_differs_in_anything_that_the_venue_said_is_another_event() -> None:
    event = EVENTS[0]
    for other in (
        replace(event, timestamp_ms=event.timestamp_ms + 1),
        replace(event, side=event.side.opposite),
        replace(event, exchange="bitget"),
        replace(event, native_symbol="OTHER"),
        replace(event, quantity=event.quantity * 2),
    ):
        assert fresh([event], [row_of(replace(other, event_id="live"))]) == [event.event_id]


def test_rows_that_the_archive_itself_brought_have_the_right_ids() -> None:
    twin = replace(EVENTS[0], event_id="earlier in the file")
    assert fresh([EVENTS[0]], [row_of(twin, f"{OWN}x.csv")]) == [IDS[0]]
    assert fresh([EVENTS[0]], [row_of(twin, "import:binance-vision:y.csv")]) == []


def test_the_amount_of_an_inverse_contract_is_its_dollars() -> None:
    event = replace(EVENTS[0], contract=ContractKind.INVERSE)
    at_limit = replace(event, event_id="live", quantity=event.quantity * Decimal("1.01"))
    assert key_of(event) == key_of(at_limit)
    assert fresh([event], [row_of(at_limit)]) == []
