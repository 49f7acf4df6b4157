from types import SimpleNamespace

from liq.processors.stages.rejections import MAX_DETAIL_CHARACTERS, refused_record
from liq.schemas.codec import decode
from liq.schemas.records import Rejected, Source
from liq.schemas.vocabulary import RejectReason


def test_a_refused_record_keeps_its_bytes_and_its_place() -> None:
    message = SimpleNamespace(
        topic="t.events", partition=3, offset=41, timestamp=1_783_500_000_250, value=b"\xff{"
    )
    record = refused_record("t.rejected", "detect", message, "x" * 1000)
    assert (record.topic, record.key) == ("t.rejected", b"detect")
    assert record.value is not None
    rejected = decode(Rejected, record.value)
    assert rejected.payload == b"\xff{"
    assert rejected.source == Source("t.events", 3, 41)
    assert rejected.received_at_ms == 1_783_500_000_250
    assert rejected.reason is RejectReason.UNKNOWN_MESSAGE
    assert rejected.stage == "detect"
    assert len(rejected.detail) == MAX_DETAIL_CHARACTERS
