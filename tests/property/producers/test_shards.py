"""The spread of names over shards: every name once, alike everywhere, with few moves."""

from hypothesis import given
from hypothesis import strategies as st

from liq.producers.feeds.shards import (
    WHOLE,
    Shard,
    producer_name,
    producer_shard,
    shard_number,
    slot_shard,
)

NAMES = st.lists(st.text(max_size=12), unique=True, max_size=60).map(tuple)
LABELS = st.sampled_from(["okx.public", "bybit.linear", "binance.usdm"])
COUNTS = st.integers(1, 24)


@given(LABELS, NAMES, COUNTS)
def test_every_name_belongs_to_one_shard_and_keeps_its_order(
    label: str, names: tuple[str, ...], count: int
) -> None:
    parts = [Shard(number, count).own(label, names) for number in range(count)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    for part in parts:
        assert list(part) == [name for name in names if name in set(part)]


@given(LABELS, NAMES, COUNTS, st.randoms(use_true_random=False))
def test_a_name_s_shard_depends_on_no_other_name(
    label: str, names: tuple[str, ...], count: int, random: object
) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for number in range(count):
        shard = Shard(number, count)
        assert set(shard.own(label, tuple(shuffled))) == set(shard.own(label, names))


@given(LABELS, st.text(max_size=12), st.integers(1, 23))
def test_one_more_shard_moves_names_to_it_alone(label: str, name: str, count: int) -> None:
    before, after = shard_number(label, name, count), shard_number(label, name, count + 1)
    assert after in {before, count}


@given(st.integers(2, 12))
def test_shards_are_of_similar_size(count: int) -> None:
    names = tuple(f"SYMBOL{number}-USDT" for number in range(count * 100))
    sizes = [len(Shard(number, count).own("okx.public", names)) for number in range(count)]
    assert min(sizes) > 50
    assert max(sizes) < 160


@given(st.from_regex(r"\A[a-zA-Z0-9_.-]{1,40}\Z"), st.integers(0, 99), st.integers(2, 64))
def test_slots_with_the_same_number_modulo_the_count_are_twins(
    prefix: str, number: int, count: int
) -> None:
    slots = [f"{prefix}-{number}", f"other-{number + count}"]
    shards = [slot_shard(slot, count) for slot in slots]
    assert shards == [Shard(number % count, count)] * 2
    names = [producer_name(slot, Shard(number % count, count)) for slot in slots]
    assert names[0] != names[1]
    assert {producer_shard(name) for name in names} == {Shard(number % count, count)}


def test_without_shards_a_producer_is_called_as_before() -> None:
    assert slot_shard("host", 1) == WHOLE
    assert producer_name("host", WHOLE) == "host"
    assert producer_shard("host") == WHOLE
    assert slot_shard("host", 2) is None
