import sys

from liq.processors.workers.merge import MergeBuffer

Item = tuple[int, str]
ALL = sys.maxsize


def buffer() -> MergeBuffer[str, Item]:
    return MergeBuffer(lambda record: record[0])


def test_partitions_are_merged_by_time() -> None:
    merge = buffer()
    merge.add("a", [(1, "a0"), (4, "a1")])
    merge.add("b", [(2, "b0"), (3, "b1")])
    assert [record for _, record in merge.release(ALL)] == [
        (1, "a0"),
        (2, "b0"),
        (3, "b1"),
        (4, "a1"),
    ]
    assert merge.partitions == ()


def test_nothing_is_released_past_a_partition_that_was_not_read_to_its_end() -> None:
    merge = buffer()
    merge.add("a", [(1, "a0"), (2, "a1"), (3, "a2")])
    merge.add("b", [(1, "b0"), (2, "b1")])
    assert merge.barrier(["b"]) == (2, "b")
    released = [record for _, record in merge.release(2)]
    assert released == [(1, "a0"), (1, "b0"), (2, "a1"), (2, "b1")]
    assert merge.held("a") == 1


def test_order_within_a_partition_is_kept_when_its_clock_steps_back() -> None:
    merge = buffer()
    merge.add("a", [(5, "a0"), (3, "a1")])
    merge.add("b", [(4, "b0")])
    assert [text for _, (_, text) in merge.release(ALL)] == ["b0", "a0", "a1"]


def test_a_forgotten_partition_is_gone() -> None:
    merge = buffer()
    merge.add("a", [(1, "a0")])
    merge.forget("a")
    assert merge.release(ALL) == []
    assert merge.held("a") == 0


def test_a_release_ends_at_its_bounds_and_goes_on_where_it_ended() -> None:
    merge = MergeBuffer[str, Item](lambda record: record[0], lambda record: len(record[1]))
    merge.add("a", [(1, "aa"), (3, "aa")])
    merge.add("b", [(2, "bb")])
    assert merge.held_bytes == 6
    assert [record for _, record in merge.release(ALL, max_records=1)] == [(1, "aa")]
    assert [record for _, record in merge.release(ALL, max_bytes=1)] == [(2, "bb")]
    assert (merge.held_bytes, merge.oldest, merge.first("a"), merge.first("b")) == (
        2,
        3,
        (3, "aa"),
        None,
    )
    merge.forget("a")
    assert (merge.held_bytes, merge.oldest) == (0, None)
