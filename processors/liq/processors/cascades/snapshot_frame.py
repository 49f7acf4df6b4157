"""The format of a snapshot's bytes: one byte for the version, then JSON deflated with a dictionary.

Every checkpoint writes the states of the assets that have changed. The dictionary contains field
names and frequent values, so a small state takes few bytes although its fields are named.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from liq.processors.cascades.snapshot_dictionary import DICTIONARY

DEFLATE_LEVEL: Final = 6
# Versions 1 to 4 were plain JSON and began with its bracket.
PLAIN_JSON: Final = ord("[")
# The limit for inflated bytes: 64 times the largest record (4 MiB); more is a decompression bomb.
MAX_PLAIN_BYTES = 256 * 1024 * 1024

Reader = Callable[[Any], dict[str, Any]]


def unchanged(content: Any) -> dict[str, Any]:
    """Return the content of the newest version, which needs no conversion."""
    fields: dict[str, Any] = content
    return fields


class SnapshotError(ValueError):
    """Bytes that are not a snapshot of a version that this release reads."""


def pack(version: int, content: Mapping[str, Any]) -> bytes:
    """Return the bytes of a snapshot."""
    deflate = zlib.compressobj(DEFLATE_LEVEL, zdict=DICTIONARY)
    return b"%c%b%b" % (version, deflate.compress(orjson.dumps(content)), deflate.flush())


def unpack(data: bytes, readers: Mapping[int, Reader]) -> dict[str, Any]:
    """Return the fields of a snapshot, of any version that has a reader.

    Raises:
        SnapshotError: a version without a reader, or bytes that are cut off or unpack to too many.
        ValueError, LookupError, TypeError, zlib.error: not a snapshot.
    """
    version = data[0]
    reader = readers.get(version)
    if reader is None:
        found = "1 to 4" if version == PLAIN_JSON else str(version)
        raise SnapshotError(
            f"snapshot version {found}, this release reads {' and '.join(map(str, readers))}"
        )
    # Versions without a dictionary ignore this one.
    inflate = zlib.decompressobj(zdict=DICTIONARY)
    plain = inflate.decompress(data[1:], MAX_PLAIN_BYTES)
    if not inflate.eof:
        raise SnapshotError(f"a snapshot that is cut off, or larger than {MAX_PLAIN_BYTES} bytes")
    return reader(orjson.loads(plain))
