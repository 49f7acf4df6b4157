from liq.processors.stages.parking import parked_record
from liq.schemas.headers import RECEIVED_AT_NS, Retry, text_header
from tests.support.clock_log import BURST_MS, HOUR_MS, Producer, frame, stamped


def stamp_of(record: object) -> str:
    parked = parked_record("parked", record, "bybit", Retry(("NEWUSDT",)))
    return text_header(parked.headers, RECEIVED_AT_NS)


def test_a_believed_receipt_stays_as_it_is() -> None:
    assert stamp_of(frame(Producer(), BURST_MS)) == f"{BURST_MS}000000"


def test_a_receipt_that_is_not_believed_is_replaced_before_the_append_time_changes() -> None:
    ahead = frame(Producer("b", HOUR_MS), BURST_MS)
    for record in (ahead, stamped(ahead, b"9" * 30), stamped(ahead, b"")):
        assert stamp_of(record) == f"{BURST_MS + 20}000000"
