"""Lines of a node: what has liquidations, what is torn, what is too long, what is missing."""

from decimal import Decimal

import orjson
import pytest

from liq.processors.normalizers import (
    FrameMetadata,
    InstrumentBook,
    NormalizerConfig,
    normalize,
)
from liq.producers.feeds.pieces import pieces
from liq.producers.node.lines import (
    Chain,
    Hole,
    holds_liquidation,
    identity,
    separated,
)
from liq.schemas.records import Liquidation
from tests.support.node_files import (
    START_SECONDS,
    block,
    both_fills,
    liquidation_block,
    pair,
    quiet_block,
)

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
NOW_MS = (START_SECONDS + 10_000) * 1_000
LARGEST_BLOCK = 11_279


def event_ids(line: bytes) -> list[str]:
    metadata = FrameMetadata("hyperliquid", "nodeFills", NOW_MS)
    results = normalize(line, metadata, InstrumentBook(()), CONFIG)
    return [result.event_id for result in results if isinstance(result, Liquidation)]


@pytest.mark.parametrize("line", [liquidation_block(1), pair(1)])
def test_a_line_with_a_liquidation_is_found(line: bytes) -> None:
    assert holds_liquidation(line)


@pytest.mark.parametrize(
    "line",
    [
        quiet_block(1),
        pair(1, is_liquidation=False),
        b'["0x00", {"coin": "ETH", "liquidation": null}]',
        b"",
    ],
)
def test_other_lines_are_passed_over(line: bytes) -> None:
    assert not holds_liquidation(line)


def test_fills_that_are_written_again_are_recognized_by_themselves() -> None:
    again = liquidation_block(1, written="59")
    assert again != liquidation_block(1)
    assert identity(again) == identity(liquidation_block(1))
    assert identity(liquidation_block(2)) != identity(liquidation_block(1))
    assert identity(pair(1)) != identity(pair(2))


def other_block(number: int) -> bytes:
    """Return a block with three fills that begins with a field of another name."""
    return b'{"height":1,' + block(number, [*both_fills(number), both_fills(number)[0]])[1:]


def test_a_block_that_begins_with_another_field_is_whole() -> None:
    assert separated(other_block(1)) == [other_block(1)]
    inside = b'{"height":1,"at":{"block_time":"2025-10-10T21:15:00"},' + other_block(1)[1:]
    assert separated(inside) == [inside]


@pytest.mark.parametrize("make", [liquidation_block, pair, other_block])
@pytest.mark.parametrize("length", [1, 20, 150, 300, 600])
def test_a_line_behind_a_torn_one_is_whole(make: object, length: int) -> None:
    assert callable(make)
    torn, whole = make(1)[:length], make(2)
    assert separated(torn + whole) == [torn, whole]
    assert separated(whole) == [whole]


def test_a_line_behind_the_zeros_of_a_crash_is_whole() -> None:
    assert separated(b"\0" * 100 + pair(1)) == [b"\0" * 100, pair(1)]


def test_the_largest_block_known_is_divided_and_every_fill_is_in_one_piece() -> None:
    events = [one for number in range(LARGEST_BLOCK) for one in both_fills(number)]
    line = block(1, events)
    found = pieces(line, 1_048_576)
    assert len(line) > 8 * 1_048_576
    assert max(map(len, found)) <= 1_048_576
    assert [one for piece in found for one in orjson.loads(piece)["events"]] == events
    assert {orjson.loads(piece)["block_number"] for piece in found} == {758_000_001}
    ids = [event_id for piece in found for event_id in event_ids(piece)]
    assert len(set(ids)) == LARGEST_BLOCK
    assert ids == event_ids(line)


def test_a_line_within_the_limit_stays_as_it_is() -> None:
    assert pieces(liquidation_block(1), 10_000) == [liquidation_block(1)]


@pytest.mark.parametrize("line", [b"x" * 5_000, block(1, [[1, 2]] * 2_000), pair(1) + b" " * 5_000])
def test_what_cannot_be_divided_is_cut_off(line: bytes) -> None:
    assert pieces(line, 1_000) == [line[:1_000]]


def test_blocks_that_were_never_written_are_a_hole() -> None:
    chain = Chain()
    assert chain.note(quiet_block(1), NOW_MS) is None
    assert chain.note(quiet_block(2), NOW_MS) is None
    hole = chain.note(quiet_block(2_000, seconds=120), NOW_MS)
    assert hole == Hole(START_SECONDS * 1_000, (START_SECONDS + 120) * 1_000)


def test_a_chain_that_stood_still_has_no_hole() -> None:
    chain = Chain()
    chain.note(quiet_block(1), NOW_MS)
    assert chain.note(quiet_block(2, seconds=1_200), NOW_MS) is None


def test_older_blocks_and_absurd_times_change_nothing() -> None:
    chain = Chain()
    chain.note(quiet_block(1), NOW_MS)
    assert (
        chain.note(quiet_block(1_000_000, seconds=120), START_SECONDS * 1_000 - 86_400_000) is None
    )
    chain.note(quiet_block(2, seconds=30), NOW_MS)
    chain.note(quiet_block(1), NOW_MS)
    assert chain.note(quiet_block(50, seconds=80), NOW_MS) is None
    assert chain.note(b"nothing", NOW_MS) is None
    assert chain.time_ms == (START_SECONDS + 80) * 1_000


def test_fills_without_blocks_have_holes_too() -> None:
    chain = Chain()
    chain.note(pair(1), NOW_MS)
    late = pair(90_000)
    assert chain.note(late, NOW_MS) == Hole(
        START_SECONDS * 1_000 + 1, START_SECONDS * 1_000 + 90_000
    )
