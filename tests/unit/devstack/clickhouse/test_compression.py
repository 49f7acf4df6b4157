"""Bodies of many frames arrive whole or not at all."""

import gzip
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
from backports import zstd

from liq.devstack.clickhouse.compression import decode, encoder, negotiate
from liq.devstack.clickhouse.errors import ClickHouseError

FRAMES: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}
BLOCKS = [b"first block " * 50, b"", b"second " * 3, bytes(range(256)) * 20]


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@pytest.mark.parametrize("size", [1, 7, 1000, 1_000_000])
@pytest.mark.parametrize("encoding", FRAMES)
def test_every_frame_of_a_body_is_read(encoding: str, size: int) -> None:
    body = b"".join(FRAMES[encoding](block) for block in BLOCKS)
    assert b"".join(decode(pieces(body, size), encoding)) == b"".join(BLOCKS)


@pytest.mark.parametrize("encoding", FRAMES)
def test_a_body_that_ends_within_a_frame_is_an_error(encoding: str) -> None:
    body = b"".join(FRAMES[encoding](block) for block in BLOCKS)
    with pytest.raises(ClickHouseError) as refused:
        list(decode([body[:-3]], encoding))
    assert refused.value.code == 271


@pytest.mark.parametrize("encoding", FRAMES)
def test_a_damaged_body_is_an_error(encoding: str) -> None:
    with pytest.raises(ClickHouseError) as refused:
        list(decode([b"this was never compressed, not in any way"], encoding))
    assert refused.value.code == 271


def test_an_unknown_encoding_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ClickHouseError, match="lz4, zstd, gzip") as refused:
        list(decode([b""], "br"))
    assert refused.value.code == 89


@pytest.mark.parametrize("encoding", FRAMES)
def test_a_compressed_answer_is_one_stream(encoding: str) -> None:
    compressor = encoder(encoding)
    body = b"".join(compressor.compress(block) for block in BLOCKS) + compressor.flush()
    assert b"".join(decode([body], encoding)) == b"".join(BLOCKS)


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("", None),
        ("br", None),
        ("gzip, deflate", "gzip"),
        ("lz4,zstd,gzip,deflate", "lz4"),
        ("lz4;q=0, zstd;q=0.5", "zstd"),
        ("GZIP", "gzip"),
    ],
)
def test_negotiation(header: str, chosen: str | None) -> None:
    assert negotiate(header) == chosen
