"""Recorded frames with other assets and times."""

import json

from benchmarks.workers.recorded import assets_of, read_recorded, recorded_frame, repeat
from liq.processors.normalizers import load_snapshot
from liq.schemas.capture import CaptureLine

RECORDED_MS = 1_783_528_952_500
LINE = CaptureLine(
    received_at_ns=RECORDED_MS * 1_000_000,
    exchange="okx",
    feed="public",
    frame=json.dumps(
        {
            "instId": "BTC-USDT-SWAP",
            "s": "BTCUSDT",
            "p": "62384.9",
            "ts": str(RECORDED_MS - 400),
            "T": RECORDED_MS,
        }
    ),
)


def test_a_frame_keeps_everything_but_asset_and_times() -> None:
    frame = recorded_frame(LINE).at(RECORDED_MS + 90_000, "SOL")
    assert json.loads(frame.value) == {
        "instId": "SOL-USDT-SWAP",
        "s": "SOLUSDT",
        "p": "62384.9",
        "ts": str(RECORDED_MS + 89_600),
        "T": RECORDED_MS + 90_000,
    }
    assert frame.received_at_ms == RECORDED_MS + 90_000


def test_frames_repeat_over_the_assets_at_their_rate() -> None:
    frames = list(repeat([recorded_frame(LINE)], ["A", "B"], count=5, start_ms=7_000, per_second=4))
    assert [frame.received_at_ms for frame in frames] == [7_000, 7_250, 7_500, 7_750, 8_000]
    assert [b"AUSDT" in frame.value for frame in frames] == [True, False, True, False, True]


def test_the_recording_has_three_venues_mixed() -> None:
    frames = read_recorded()
    assert {frame.exchange for frame in frames[:50]} == {"binance", "bybit", "okx"}
    assert frames == read_recorded()


def test_fifty_assets_have_contracts_of_a_known_size() -> None:
    book = load_snapshot()
    assets = assets_of(book)
    assert len(set(assets)) == 50
    assert all(book.get("okx", f"{asset}-USDT-SWAP") for asset in assets)
