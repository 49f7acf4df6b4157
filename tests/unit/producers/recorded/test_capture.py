"""Reading captures: plain, gzipped, cut into any chunks, damaged, and lines that are broken."""

import asyncio
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.producers.recorded import capture_file
from liq.producers.recorded.capture_file import CaptureDamagedError, CaptureFile, Line
from liq.producers.recorded.capture_line import checked_capture_line
from liq.runtime.errors import ConfigurationError
from liq.schemas.codec import DecodeError

KNOWN = ("binance", "okx")
GOOD = {"received_at_ns": 1_752_833_843_548_000_000, "exchange": "okx", "feed": "public"}


async def read(path: Path) -> list[Line]:
    capture = CaptureFile(str(path))
    try:
        return [line async for line in capture.lines(asyncio.Event())]
    finally:
        capture.close()


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_every_line_with_its_number(tmp_path: Path, wrap: Any, end: bytes) -> None:
    path = tmp_path / "capture"
    path.write_bytes(wrap(b"one\n\nthree" + end))
    assert await read(path) == [Line(1, b"one"), Line(2, b""), Line(3, b"three")]
    assert await CaptureFile(str(path)).count_lines() == 3


@pytest.mark.parametrize("content", [b"", b"x", b"\x1f"])
async def test_tiny_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "capture"
    path.write_bytes(content)
    assert [line.content for line in await read(path)] == [content] * bool(content)


async def test_several_gzip_members_are_one_capture(tmp_path: Path) -> None:
    path = tmp_path / "capture.gz"
    path.write_bytes(gzip.compress(b"one\ntw") + gzip.compress(b"o\n"))
    assert [line.content for line in await read(path)] == [b"one", b"two"]


@given(
    lines=st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=20),
    chunk=st.integers(1, 50),
    is_gzipped=st.booleans(),
)
def test_chunks_do_not_matter(lines: list[bytes], chunk: int, is_gzipped: bool) -> None:  # noqa: FBT001 - hypothesis passes it
    content = b"".join(line + b"\n" for line in lines)
    data = gzip.compress(content) if is_gzipped else content
    assume(is_gzipped or not data.startswith(capture_file.GZIP_MAGIC))
    decoder, splitter = capture_file._Decoder(), capture_file._LineSplitter()
    found = []
    for start in range(0, len(data), chunk):
        found += splitter.feed(decoder.feed(data[start : start + chunk]))
    found += splitter.feed(decoder.finish())
    found += splitter.finish()
    assert [line.content for line in found] == lines


async def test_an_endless_line_is_one_broken_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_file, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(capture_file, "CHUNK_BYTES", 30)
    path = tmp_path / "capture"
    path.write_bytes(b"a" * 1_000 + b"\n" + b"b" * 100 + b"\n" + b"c" * 101)
    lines = await read(path)
    assert [(line.number, line.is_too_long) for line in lines] == [(1, True), (2, False), (3, True)]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(slice(0, -9), "cut off"), (slice(0, 12), "cut off")],
)
async def test_a_cut_gzip_file_is_damaged(tmp_path: Path, damage: slice, reason: str) -> None:
    path = tmp_path / "capture.gz"
    path.write_bytes(gzip.compress(os.urandom(2_000))[damage])
    with pytest.raises(CaptureDamagedError, match=reason):
        await read(path)


async def test_garbage_after_a_gzip_member_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "capture.gz"
    path.write_bytes(gzip.compress(b"one\n") + b"garbage")
    with pytest.raises(CaptureDamagedError, match="damaged"):
        await read(path)
    assert await CaptureFile(str(path)).count_lines() == 0


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_capture_that_cannot_be_read_has_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="Cannot read the capture"):
        CaptureFile(str(tmp_path / name))


def test_a_good_line_keeps_its_frame() -> None:
    frame = '{"arg": 1,  "ü": "\\u0000"}'
    line = json.dumps({**GOOD, "frame": frame}).encode()
    assert checked_capture_line(line, KNOWN).frame == frame


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"frame": None}, "frame: expected str"),
        ({"frame": "x" * (MAX_FRAME_BYTES + 1)}, "frame: longer than 1048576 bytes"),
        ({"exchange": "mtgox"}, "exchange: 'mtgox' is not one of binance, okx"),
        ({"exchange": 5}, "exchange: expected str"),
        ({"feed": ""}, "feed: expected 1 to 64 characters"),
        ({"received_at_ns": True}, "received_at_ns: expected int"),
        ({"received_at_ns": 1.5e18}, "received_at_ns: expected int"),
        ({"received_at_ns": 10**400}, "not JSON|expected int"),
        ({"received_at_ns": -1}, "received_at_ns: -1 is not a time"),
        ({"received_at_ns": 1_752_833_843_548}, "is not a time .* in nanoseconds"),
    ],
)
def test_a_broken_field_is_named(changes: dict[str, object], reason: str) -> None:
    line = json.dumps({**GOOD, "frame": "{}", **changes}).encode()
    with pytest.raises(DecodeError, match=reason):
        checked_capture_line(line, KNOWN)


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b"null", b'"text"', b"\xff", b'{"frame":"\\ud800"}', b"{}"]
)
def test_hostile_lines_are_broken_lines(line: bytes) -> None:
    with pytest.raises(DecodeError):
        checked_capture_line(line, KNOWN)


@given(st.binary())
def test_any_bytes_are_a_frame_or_a_broken_line(line: bytes) -> None:
    with pytest.raises(DecodeError):
        checked_capture_line(line, KNOWN)
