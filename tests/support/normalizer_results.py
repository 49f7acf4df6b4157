"""The normalizers' results for hostile messages, which must be equal for plain and compiled code.

    python tests/support/normalizer_results.py

Every field of every golden message is replaced in turn by values of every JSON type and size.
Compiled code may silently convert one type of number to another where plain Python does not. `make
test-compiled` compares the output of this program, one digest per field, for both.
"""

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import orjson

from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.schemas.codec import encode
from tests.support.venue_fixtures import exchange_of, fixture_paths

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
BOOK = load_snapshot()

VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, [], {}, "", "0", "1.50", "-3", "1e5", "x" * 70, "BTCUSDT", "30000"),
    *(0, 1, -1, 30_000, 100_000_000, 2**53 + 1, 2**63 - 1, 2**64 - 1, -(2**63)),
    *(0.0, -0.0, 1.0, -2.5, 0.1, 30_000.0, 1e16, 123_456_789.123, 1e22, 1e-7, 1e300, 5e-324),
)

Steps = tuple[Any, ...]


def fields(value: Any, path: Steps = ()) -> Iterator[Steps]:
    """Yield the path of every value inside a message, and of the message itself."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from fields(inner, (*path, position))


def replaced(message: Any, path: Steps, value: Any) -> Any:
    """Return a message with another value at a path."""
    if not path:
        return value
    changed = deepcopy(message)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return changed


def main() -> None:
    for file in fixture_paths():
        fixture = orjson.loads(file.read_bytes())
        metadata = FrameMetadata(
            fixture["exchange"],
            fixture["feed"],
            fixture["received_at_ms"],
            rates=fixture.get("rates", ""),
            subject=fixture.get("subject", ""),
        )
        for path in fields(fixture["frame"]):
            digest = blake2b(digest_size=16)
            for value in VALUES:
                frame = orjson.dumps(replaced(fixture["frame"], path, value))
                for result in normalize(frame, metadata, BOOK, CONFIG):
                    digest.update(encode(result))
            name = ".".join(map(str, path))
            print(f"{exchange_of(file)}/{file.stem} {name or 'whole'} {digest.hexdigest()}")


if __name__ == "__main__":
    main()
