"""Bounds of what Kafka clients keep in memory."""

import pytest

from liq.runtime.kafka import (
    LEAST_PARTITION_FETCH_BYTES,
    PARTITION_FETCH_BYTES,
    UNREAD_BYTES,
    partition_fetch_bytes,
)


@pytest.mark.parametrize("partitions", [0, 1, 12, 64, 144, 256])
def test_what_is_fetched_of_all_partitions_is_bounded(partitions: int) -> None:
    assert partitions * partition_fetch_bytes(partitions) <= UNREAD_BYTES


def test_few_partitions_are_fetched_in_large_pieces_and_many_not_in_tiny_ones() -> None:
    assert partition_fetch_bytes(12) == PARTITION_FETCH_BYTES
    assert partition_fetch_bytes(10_000) == LEAST_PARTITION_FETCH_BYTES
