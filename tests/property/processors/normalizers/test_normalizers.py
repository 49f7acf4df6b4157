"""Whatever the bytes, normalizing gives liquidations and rejections that hold what they promise."""

import gzip
import random
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liq.processors.normalizers import (
    FrameMetadata,
    NormalizerConfig,
    known_exchanges,
    known_feeds,
    load_snapshot,
    normalize,
)
from liq.processors.normalizers.markets import CURRENCIES
from liq.processors.normalizers.numbers import MAX_NUMBER
from liq.schemas.capture import parse_capture_line
from liq.schemas.codec import decode, encode
from liq.schemas.dollars import USD_LIKE
from liq.schemas.records import Liquidation, Rejected
from tests.support.examples import examples
from tests.support.paths import CAPTURES
from tests.support.venue_fixtures import fixture_paths

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
BOOK = load_snapshot()
FEEDS = [(exchange, feed) for exchange in known_exchanges() for feed in known_feeds(exchange)]
RECEIVED_AT_MS = 1_790_000_000_000
LARGEST = Decimal(10) ** 26

Result = list[Liquidation | Rejected]


def fixture_messages() -> dict[tuple[str, str], list[Any]]:
    messages: dict[tuple[str, str], list[Any]] = {feed: [] for feed in FEEDS}
    for path in fixture_paths():
        fixture = orjson.loads(path.read_bytes())
        messages[fixture["exchange"], fixture["feed"]].append(fixture["frame"])
    return messages


MESSAGES = fixture_messages()

numbers_as_text = st.one_of(
    st.decimals().map(str),
    st.floats(min_value=0, allow_nan=False).map(repr),
    st.integers(0, 10**42).map(str),
    st.sampled_from(["0", "-1", "1e999", "1e-999", "NaN", "Infinity", "1_0", " 1", "1.2.3", "٣"]),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=80),
    numbers_as_text,
    st.sampled_from(
        [
            "SELL",
            "Buy",
            "net",
            "BTCUSDT",
            "ETHBTC",
            "BTC-USDT-SWAP",
            "kPEPE",
            "币安人生USDT",
            "x" * 129,
        ]
    ),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def run(feed: tuple[str, str], frame: bytes) -> Result:
    metadata = FrameMetadata(*feed, RECEIVED_AT_MS, rates="BTC=64000.5@9000,EUR=1.08@9000")
    return normalize(frame, metadata, BOOK, CONFIG)


def events_of(results: Result) -> list[Liquidation]:
    events = [result for result in results if isinstance(result, Liquidation)]
    assert len(events) == len(results)
    return events


def check(results: Result, frame: bytes) -> None:
    rejections = [result for result in results if isinstance(result, Rejected)]
    assert [rejected.entry for rejected in rejections] == list(range(len(rejections)))
    for result in results:
        assert decode(type(result), encode(result)) == result
        if isinstance(result, Rejected):
            assert result.payload == frame
            assert 0 < len(result.detail) < 500
        else:
            for amount in (result.quantity, result.value_usd):
                assert 0 < amount <= MAX_NUMBER
                assert (Fraction(amount) * 10**12).denominator == 1
            for price in (result.price, result.price_level):
                assert 0 < price < LARGEST
                assert (Fraction(price) * 10**18).denominator == 1
            assert len(result.event_id) == 32
            quote = (
                "USDT" if result.quote in USD_LIKE else CURRENCIES.get(result.quote, result.quote)
            )
            assert result.symbol == result.base + quote
            assert (result.rate is None) == (
                result.quote in USD_LIKE and result.contract != "quanto"
            )


@pytest.mark.parametrize("feed", FEEDS, ids="-".join)
@given(frame=st.binary(max_size=200))
@settings(max_examples=examples(60))
def test_any_bytes(feed: tuple[str, str], frame: bytes) -> None:
    check(run(feed, frame), frame)


@pytest.mark.parametrize("feed", FEEDS, ids="-".join)
@given(message=json_values)
@settings(max_examples=examples(60))
def test_any_json(feed: tuple[str, str], message: object) -> None:
    frame = orjson.dumps(message)
    check(run(feed, frame), frame)


@given(exchange=st.text(max_size=300), feed=st.text(max_size=300), frame=st.binary(max_size=20))
@settings(max_examples=examples(60))
def test_any_venue(exchange: str, feed: str, frame: bytes) -> None:
    results = normalize(frame, FrameMetadata(exchange, feed, RECEIVED_AT_MS), BOOK, CONFIG)
    assert len(results) == 1
    check(results, frame)


def mutated(message: object, value: object, chance: random.Random) -> object:
    """The message with one part, at any depth, replaced by `value`, removed or repeated."""
    if isinstance(message, dict) and message and chance.random() < 0.9:
        name = chance.choice(sorted(message))
        rest = {key: part for key, part in message.items() if key != name}
        if chance.random() < 0.15:
            return rest
        return {**rest, name: mutated(message[name], value, chance)}
    if isinstance(message, list) and message and chance.random() < 0.9:
        position = chance.randrange(len(message))
        changed = mutated(message[position], value, chance)
        kept = message if chance.random() < 0.3 else [*message[:position], *message[position + 1 :]]
        return [*kept, changed]
    return value


@pytest.mark.parametrize("feed", FEEDS, ids="-".join)
@given(
    value=scalars | json_values,
    index=st.integers(0, 10**6),
    chance=st.randoms(use_true_random=False),
)
@settings(max_examples=examples(200))
def test_mutated_real_frames(
    feed: tuple[str, str], value: object, index: int, chance: random.Random
) -> None:
    messages = MESSAGES[feed]
    frame = orjson.dumps(mutated(messages[index % len(messages)], value, chance))
    check(run(feed, frame), frame)


@pytest.mark.parametrize("feed", FEEDS, ids="-".join)
@given(index=st.integers(0, 10**6), cut=st.integers(0, 2000), byte=st.integers(0, 255))
@settings(max_examples=examples(60))
def test_damaged_real_frames(feed: tuple[str, str], index: int, cut: int, byte: int) -> None:
    messages = MESSAGES[feed]
    whole = orjson.dumps(messages[index % len(messages)])
    position = cut % len(whole)
    for frame in (whole[:position], whole[:position] + bytes([byte]) + whole[position + 1 :]):
        check(run(feed, frame), frame)


rows = st.lists(
    st.fixed_dictionaries(
        {
            "T": st.integers(1_740_480_207_000, 1_740_480_207_002),
            "s": st.sampled_from(["BTCUSDT", "1000PEPEUSDT"]),
            "S": st.sampled_from(["Buy", "Sell"]),
            "v": st.sampled_from(["1", "2.5"]),
            "p": st.sampled_from(["0.01", "90000.5"]),
        }
    ),
    max_size=8,
)


@given(batch=rows, shuffle=st.randoms(use_true_random=False))
def test_ids_depend_neither_on_order_nor_on_delivery(
    batch: list[dict[str, Any]], shuffle: random.Random
) -> None:
    def ids(entries: list[dict[str, Any]], received_at_ms: int) -> list[str]:
        frame = orjson.dumps({"topic": "allLiquidation.X", "ts": received_at_ms, "data": entries})
        metadata = FrameMetadata("bybit", "linear", received_at_ms)
        return [event.event_id for event in events_of(normalize(frame, metadata, BOOK, CONFIG))]

    shuffled = shuffle.sample(batch, len(batch))
    first = ids(batch, RECEIVED_AT_MS)
    assert len(set(first)) == len(batch)
    assert sorted(ids(shuffled, RECEIVED_AT_MS + 5_000)) == sorted(first)


def captured() -> list[tuple[bytes, FrameMetadata]]:
    frames = []
    with gzip.open(CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz") as lines:
        for line in map(parse_capture_line, lines):
            metadata = FrameMetadata(line.exchange, line.feed, line.received_at_ns // 1_000_000)
            frames.append((line.frame.encode(), metadata))
    return frames[::10]


def test_the_thread_s_decimal_context_changes_nothing() -> None:
    fixtures = [
        (feed, orjson.dumps(message)) for feed, messages in MESSAGES.items() for message in messages
    ]

    def everything() -> list[Result]:
        return [run(feed, frame) for feed, frame in fixtures] + [
            normalize(*frame, BOOK, CONFIG) for frame in captured()
        ]

    usual = everything()
    with localcontext() as context:
        context.prec = 3
        assert everything() == usual


def test_records_of_real_frames_survive_encoding() -> None:
    events = [event for frame in captured() for event in events_of(normalize(*frame, BOOK, CONFIG))]
    assert len(events) > 300
    assert [decode(Liquidation, encode(event)) for event in events] == events
