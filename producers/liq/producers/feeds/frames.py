"""The size limit of a frame, and frames that arrive compressed inside the websocket's framing."""

import zlib
from typing import Any, Final

MAX_FRAME_BYTES: Final = 1_048_576
# zlib's window bits for a stream with gzip's header and trailer.
_GZIP_WINDOW_BITS: Final = 31


class FrameTooLargeError(Exception):
    """A frame exceeds `MAX_FRAME_BYTES`; the message states the limit."""


def gunzip(frame: bytes) -> bytes:
    """Decompress a gzip frame, holding at most `MAX_FRAME_BYTES` and one byte in memory.

    Raises:
        ValueError: the frame is not one complete gzip stream.
        FrameTooLargeError: the message exceeds the limit.
    """
    decoder = new_gzip_decoder()
    try:
        message: bytes = decoder.decompress(frame, MAX_FRAME_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"damaged gzip frame: {error}") from error
    if len(message) > MAX_FRAME_BYTES:
        raise FrameTooLargeError(
            f"oversize: a frame that unpacks to over {MAX_FRAME_BYTES} bytes (1009)"
        )
    if not decoder.eof:
        raise ValueError("the gzip frame is cut off")
    return message


def new_gzip_decoder() -> Any:
    """Return a `zlib` decompressor for one gzip member."""
    return zlib.decompressobj(_GZIP_WINDOW_BITS)
