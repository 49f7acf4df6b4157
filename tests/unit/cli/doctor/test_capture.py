"""A capture is a new file of capture lines, with a bound."""

import gzip
from pathlib import Path

import pytest

from liq.cli.doctor.capture import CaptureWriter
from liq.cli.doctor.pseudonyms import Pseudonyms
from liq.runtime.errors import ConfigurationError
from liq.schemas.capture import parse_capture_line

FRAME = b'{"user":"0x12345678901234567890abcdefabcdef12345678"}'


def test_lines_are_gzipped_where_the_name_says_so(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl.gz"
    capture = CaptureWriter(path, Pseudonyms())
    capture.write("okx", "public", 5, b"pong")
    capture.write("okx", "public", 6, b"\xff\xfe")
    capture.close()
    first, second = map(parse_capture_line, gzip.decompress(path.read_bytes()).splitlines())
    assert (first.received_at_ns, first.exchange, first.feed) == (5, "okx", "public")
    assert first.frame == "pong"
    assert second.frame == "\N{REPLACEMENT CHARACTER}" * 2


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text("evidence")
    with pytest.raises(ConfigurationError, match="exists already"):
        CaptureWriter(path, Pseudonyms())
    assert path.read_text() == "evidence"
    with pytest.raises(ConfigurationError, match="cannot be written"):
        CaptureWriter(tmp_path / "no" / "folder", Pseudonyms())


def test_what_is_beyond_the_bound_is_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    capture = CaptureWriter(path, Pseudonyms(), max_bytes=540)
    for number in range(20):
        capture.write("hyperliquid", "userFills", number + 1, FRAME)
    capture.close()
    lines = path.read_bytes().splitlines()
    assert (len(lines), capture.frames, capture.left_out) == (capture.frames, 3, 17)
    assert path.stat().st_size <= 540
    assert capture.replaced == 1
