"""Content encodings in both directions, incrementally: lz4 frames, zstd, gzip and deflate."""

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import lz4.frame

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP_WINDOW_BITS = 31
# Cheapest first: on a loopback connection the processor is scarcer than the network.
_OFFERED = ("lz4", "zstd", "gzip", "deflate")


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class Encoder(Protocol):
    """Turns blocks into one compressed stream."""

    def compress(self, data: bytes, /) -> bytes:
        """Return what is ready to be sent after these bytes."""
        ...

    def flush(self) -> bytes:
        """End the stream and return the rest of it."""
        ...


class _Lz4Encoder:
    """One lz4 frame whose header goes out with the first block."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._header: bytes = self._frame.begin()

    def compress(self, data: bytes, /) -> bytes:
        header, self._header = self._header, b""
        return header + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        header, self._header = self._header, b""
        return header + bytes(self._frame.flush())


class _Identity:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "gzip": lambda: zlib.decompressobj(_GZIP_WINDOW_BITS),
    "deflate": zlib.decompressobj,
}
_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "lz4": _Lz4Encoder,
    "zstd": zstd.ZstdCompressor,
    "gzip": lambda: zlib.compressobj(level=1, wbits=_GZIP_WINDOW_BITS),
    "deflate": lambda: zlib.compressobj(level=1),
}


def encoder(encoding: str | None) -> Encoder:
    """Return an encoder for an encoding chosen by `negotiate`; None sends bytes as they are."""
    return _Identity() if encoding is None else _ENCODERS[encoding]()


def negotiate(accept_encoding: str) -> str | None:
    """Choose the encoding of a response from the Accept-Encoding header, or None for none."""
    accepted = set()
    for offer in accept_encoding.split(","):
        name, _, quality = offer.partition(";")
        if quality.replace(" ", "").lower() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            accepted.add(name.strip().lower())
    return next((encoding for encoding in _OFFERED if encoding in accepted), None)


def decode(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Decompress a request body of any number of frames, one after another.

    Clients compress block by block, so a body usually holds many frames; stopping after the first
    would drop rows without a word.

    Raises:
        ClickHouseError: 89 for an encoding nobody knows, 271 for a damaged or shortened body.
    """
    if encoding in {"", "identity"}:
        yield from chunks
        return
    if encoding not in _DECODERS:
        raise ClickHouseError.named(
            ErrorCode.UNKNOWN_COMPRESSION_METHOD,
            f"Content-Encoding {encoding!r} is not supported here; use {', '.join(_OFFERED)}.",
        )
    yield from _decode_frames(chunks, encoding)


def _decode_frames(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    new_decoder = _DECODERS[encoding]
    decoder: _Decoder | None = None
    for chunk in chunks:
        rest = chunk
        while rest:
            decoder = decoder or new_decoder()
            try:
                decoded = decoder.decompress(rest)
            except (RuntimeError, zlib.error, zstd.ZstdError) as problem:
                raise ClickHouseError.named(
                    ErrorCode.CANNOT_DECOMPRESS,
                    f"The {encoding} request body is damaged: {problem}.",
                ) from problem
            if decoded:
                yield decoded
            rest = b""
            if decoder.eof:
                rest, decoder = decoder.unused_data or b"", None
    if decoder is not None:
        raise ClickHouseError.named(
            ErrorCode.CANNOT_DECOMPRESS,
            f"The {encoding} request body ends in the middle of a frame.",
        )
