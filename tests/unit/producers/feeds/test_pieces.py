"""Messages of more than 1 MiB: providers' blocks and snapshots, divided between fills."""

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest

from liq.processors.normalizers import FrameMetadata, InstrumentBook, NormalizerConfig, normalize
from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.producers.feeds.pieces import pieces
from liq.producers.feeds.registry import FEEDS
from liq.schemas.records import Liquidation
from tests.support.node_files import MAKER, START_SECONDS, both_fills, fill, owner

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
LARGEST_BLOCK = 11_279


def events_of(feed: str, frame: bytes) -> dict[str, Liquidation]:
    metadata = FrameMetadata("hyperliquid", feed, START_SECONDS * 1_000 + 60_000)
    results = normalize(frame, metadata, InstrumentBook(()), CONFIG)
    assert all(isinstance(result, Liquidation) for result in results)
    return {each.event_id: each for each in results if isinstance(each, Liquidation)}


def message_of(feed: str, count: int) -> bytes:
    """Return a message of a feed with the fills of so many liquidations."""
    pairs = [one for number in range(count) for one in both_fills(number)]
    found: dict[str, Any] = {"channel": "liquidationFills", "fills": pairs}
    if feed == "hydromancer":
        found = {"type": "liquidationFills", "seq": 1, "cursor": "1:2:3", **found}
    if feed == "userFills":
        fills = [fill(number, owner(1_000 + number), "B") for number in range(count)]
        fills = [{**one, "hash": "0x" + "ab" * 32} for one in fills]
        data = {"isSnapshot": True, "user": MAKER, "fills": fills}
        found = {"channel": "userFills", "data": data}
    return json.dumps(found, separators=(",", ":")).encode()


@pytest.mark.parametrize("feed", ["goldrush", "hydromancer"])
def test_the_largest_block_known_fits_a_provider_s_message_and_is_divided(feed: str) -> None:
    message = message_of(feed, LARGEST_BLOCK)
    [declared] = [each for each in FEEDS["hyperliquid"] if each.name == feed]
    assert MAX_FRAME_BYTES < len(message) <= declared.max_frame_bytes
    assert declared.split is not None
    found = declared.split(message, MAX_FRAME_BYTES)
    assert max(map(len, found)) <= MAX_FRAME_BYTES
    events = [event for piece in found for event in events_of(feed, piece).items()]
    # The two fills of a trade that a cut separates give the same event.
    assert dict(events) == events_of(feed, message)
    assert len(dict(events)) == LARGEST_BLOCK
    assert len(events) <= LARGEST_BLOCK + len(found)


def test_a_snapshot_of_more_than_a_record_is_divided_and_keeps_its_account() -> None:
    message = message_of("userFills", 4_000)
    found = pieces(message, MAX_FRAME_BYTES)
    assert len(found) > 1
    assert {orjson.loads(piece)["data"]["user"] for piece in found} == {MAKER}
    events = {key: one for piece in found for key, one in events_of("userFills", piece).items()}
    assert events == events_of("userFills", message)
    assert len(events) == 4_000


def test_an_answer_of_rest_is_divided_into_answers() -> None:
    snapshot = orjson.loads(message_of("userFills", 4_000))
    answer = json.dumps(snapshot["data"]["fills"]).encode()
    found = pieces(answer, MAX_FRAME_BYTES)
    assert len(found) > 1
    assert max(map(len, found)) <= MAX_FRAME_BYTES
    fills = [one for piece in found for one in orjson.loads(piece)]
    assert fills == snapshot["data"]["fills"]


@pytest.mark.parametrize("feed", ["goldrush", "userFills"])
def test_damage_within_a_message_costs_one_piece(feed: str) -> None:
    message = message_of(feed, 50)
    middle = message.index(b'"coin"', len(message) // 2)
    damaged = message[:middle] + b"<coin>" + message[middle + 6 :]
    found = pieces(damaged, 5_000)
    readable = [piece for piece in found if _is_json(piece)]
    assert len(readable) == len(found) - 1
    assert set().union(*(events_of(feed, piece) for piece in readable)) < set(
        events_of(feed, message)
    )


@pytest.mark.parametrize("damage", [b'"x": [}', b"", b"]]]]"])
def test_a_message_without_its_end_is_cut_off(damage: bytes) -> None:
    message = message_of("goldrush", 50)
    torn = message[: message.rindex(b"}]")] + damage.replace(b"]", b"")
    assert pieces(torn, 5_000) == [torn[:5_000]]


def test_entries_that_no_comma_separates_are_not_cut_apart() -> None:
    message = message_of("goldrush", 50).replace(b'],["0x', b'] ["0x')
    assert pieces(message, 5_000) == [message[:5_000]]


def _is_json(piece: bytes) -> bool:
    try:
        orjson.loads(piece)
    except orjson.JSONDecodeError:
        return False
    return True
