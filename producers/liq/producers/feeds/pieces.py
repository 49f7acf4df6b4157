"""Division of a message with many Hyperliquid fills into messages within a limit of bytes.

A node's block has [owner, fill] pairs as `events`, a provider's message has them as `fills`, and a
`userFills` message has fills without owners. An answer of REST is an array of such fills. The parts
of a message are copied, not encoded again, so every fill keeps its bytes.

The patterns are safe in JSON text: a quote inside a string is escaped, so no string contains
`["0x` or `{"coin"`.
"""

import re
from typing import Final

HEAD_BYTES: Final = 400
BETWEEN_BYTES: Final = 16
_FILLS = re.compile(rb'(?:\A\s*|"(?:events|fills)"\s*:\s*)\[\s*')
_PAIR = re.compile(rb'\[\s*"0x[0-9a-fA-F]{40}"\s*,\s*\{')
_LAST_PAIR_END = re.compile(rb"\}\s*\]\s*(?=\])")
_FILL = re.compile(rb'\{\s*"coin"\s*:')
_BETWEEN = re.compile(rb"[}\]]\s*,\s*\Z")
_LAST_FILL_END = re.compile(rb"\}\s*(?=\])")


def pair_starts(line: bytes) -> list[int]:
    """Return where each [owner, fill] of a line begins."""
    return [match.start() for match in _PAIR.finditer(line)]


def pieces(line: bytes, limit_bytes: int) -> list[bytes]:
    """Return a line, or if it exceeds the limit, several messages with its fills byte for byte.

    Each piece has the line's other fields. Only the places of the cuts are checked: to parse 10 MiB
    would take longer than all the rest. The normalizer rejects a damaged piece, with its bytes. A
    line that cannot be divided is cut off at the limit, and is rejected as well.
    """
    if len(line) <= limit_bytes:
        return [line]
    array = _FILLS.search(line, 0, HEAD_BYTES)
    starts, last_end = pair_starts(line), _LAST_PAIR_END
    if not starts:
        starts, last_end = [match.start() for match in _FILL.finditer(line)], _LAST_FILL_END
    end = last_end.search(line, starts[-1]) if starts else None
    if array is None or end is None or starts[0] != array.end():
        return [line[:limit_bytes]]
    head, tail = line[: array.end()], line[end.end() :]
    room = limit_bytes - len(head) - len(tail)
    bounds = [starts[0]]
    ends = [*starts[1:], end.end()]
    for start, stop in zip(starts, ends, strict=True):
        if stop - bounds[-1] > room and start != bounds[-1]:
            bounds.append(start)
    if not all(_is_between(line, bound) for bound in bounds[1:]):
        return [line[:limit_bytes]]
    found = [
        head + line[start:stop].rstrip(b", \t") + tail
        for start, stop in zip(bounds, [*bounds[1:], end.end()], strict=True)
    ]
    return found if max(map(len, found)) <= limit_bytes else [line[:limit_bytes]]


def _is_between(line: bytes, start: int) -> bool:
    """Return whether a comma and the end of another entry are before an entry."""
    return _BETWEEN.search(line, max(0, start - BETWEEN_BYTES), start) is not None
