"""Frames that arrive compressed inside the websocket's own framing."""

import zlib
from typing import Final

MAX_FRAME_BYTES: Final = 1_048_576
_GZIP_WINDOW: Final = 31


class FrameTooLargeError(Exception):
    """A message is larger than this engine takes; the message says the limit."""


def gunzip(frame: bytes) -> bytes:
    """The message in a gzip frame; never more than the limit is held in memory.

    Raises:
        ValueError: the frame is no whole gzip stream.
        FrameTooLargeError: the message is over the limit.
    """
    decoder = zlib.decompressobj(_GZIP_WINDOW)
    try:
        message = decoder.decompress(frame, MAX_FRAME_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"damaged gzip frame: {error}") from error
    if len(message) > MAX_FRAME_BYTES:
        raise FrameTooLargeError(
            f"oversize: a frame that unpacks to over {MAX_FRAME_BYTES} bytes (1009)"
        )
    if not decoder.eof:
        raise ValueError("the gzip frame is cut off")
    return message
