"""The entries of a message's array, as the venue's bytes."""

import re
from typing import Any

import orjson

_ENTRY = re.compile(rb"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")


def parsed(frame: bytes) -> dict[str, Any]:
    """Return the message of a frame; an empty one if it is no object."""
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return {}
    return message if type(message) is dict else {}


def slices(frame: bytes, key: bytes, entries: list[Any]) -> list[bytes]:
    """Return the bytes of each entry of an array in a message.

    If the braces do not separate the entries, encode the parsed entries instead.
    """
    start = frame.find(key)
    found = _ENTRY.findall(frame, max(0, start)) if start >= 0 else []
    if len(found) == len(entries) and all(
        _same(content, entry) for content, entry in zip(found, entries, strict=True)
    ):
        return found
    return [orjson.dumps(entry) for entry in entries]


def _same(content: bytes, entry: Any) -> bool:
    try:
        return bool(orjson.loads(content) == entry)
    except orjson.JSONDecodeError:
        return False
