"""A frame has one rejection, whose size does not multiply the frame's."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

from liq.processors.normalizers import (
    FrameMetadata,
    NormalizerConfig,
    fold_rejections,
    load_snapshot,
    normalize,
)
from liq.processors.stages.rejections import OTHER_FIELDS_BYTES
from liq.schemas.codec import decode, encode
from liq.schemas.records import Liquidation, Rejected, RejectedEntry, Source
from liq.schemas.vocabulary import RejectReason

RECEIVED_AT_MS = 1_752_833_854_600
GOOD = {"T": RECEIVED_AT_MS, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "2"}


def folded(rows: Sequence[Any]) -> tuple[bytes, list[Liquidation | Rejected]]:
    frame = orjson.dumps({"topic": "allLiquidation.BTCUSDT", "data": list(rows)})
    metadata = FrameMetadata("bybit", "linear", RECEIVED_AT_MS, Source("raw", 1, 2))
    config = NormalizerConfig(Decimal(100_000), Decimal(100))
    return frame, fold_rejections(normalize(frame, metadata, load_snapshot(), config))


def test_the_entries_of_a_frame_stand_in_one_record_with_its_bytes_once() -> None:
    frame, (first, rejected, last) = folded([GOOD, {**GOOD, "v": "x"}, {**GOOD, "S": 5}, GOOD])
    assert isinstance(first, Liquidation)
    assert isinstance(last, Liquidation)
    assert isinstance(rejected, Rejected)
    assert rejected.payload == frame
    assert [entry.entry for entry in rejected.entries] == [0, 1]
    assert rejected.entries[0] == RejectedEntry(0, rejected.reason, rejected.detail)
    assert [entry.reason for entry in rejected.entries] == [
        RejectReason.INVALID_NUMBER,
        RejectReason.INVALID_SIDE,
    ]
    assert decode(Rejected, encode(rejected)) == rejected


def test_a_frame_with_one_bad_entry_has_the_record_that_it_always_had() -> None:
    _, (rejected,) = folded([{**GOOD, "v": "x"}])
    assert isinstance(rejected, Rejected)
    assert (rejected.entry, rejected.entries) == (0, ())


def test_a_flood_of_bad_entries_stays_small() -> None:
    for shown in ("\U0001f680", "\\", "x"):
        frame, (rejected,) = folded([{**GOOD, "S": shown * 500}] * 5_000)
        assert isinstance(rejected, Rejected)
        assert len(rejected.entries) == 100
        assert "4900 more entries" in rejected.entries[-1].detail
        assert len(encode(rejected)) < len(frame) * 4 // 3 + OTHER_FIELDS_BYTES
