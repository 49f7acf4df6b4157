"""What a reader of the client commits, and which partitions it takes for added."""

import pytest

from liq.schemas.client.places import Places, noted_partitions, partitions_note

PLACE = ("liquidations.cascades", 0)


def test_a_position_is_committed_once_everything_that_was_given_out_is_handled() -> None:
    places = Places()
    places.begin(PLACE, 10, committed=10)
    places.give(PLACE, 14)
    places.give(PLACE, 17)
    assert places.to_commit({PLACE: 30}) == {}
    places.handle(PLACE, 14)
    assert places.to_commit({PLACE: 30}) == {PLACE: 15}
    places.handle(PLACE, 17)
    assert places.to_commit({PLACE: 30}) == {PLACE: 30}
    places.commit({PLACE: 30})
    assert places.to_commit({PLACE: 30}) == {}


def test_what_is_looked_at_again_is_neither_given_out_nor_committed() -> None:
    places = Places()
    places.begin(PLACE, 10, committed=10)
    assert places.is_before(PLACE, 9)
    assert not places.is_before(PLACE, 10)
    assert places.to_commit({PLACE: 4}) == {}


def test_nothing_is_committed_of_a_partition_whose_beginning_is_not_known() -> None:
    places = Places()
    assert places.to_commit({PLACE: 0}) == {}
    places.begin(PLACE, 0, committed=None)
    assert places.to_commit({PLACE: 0}) == {PLACE: 0}


@pytest.mark.parametrize(
    ("notes", "count"),
    [
        ([partitions_note(12), partitions_note(4), None, ""], 4),
        (["", None, "partitions=", "partitions=x", "other=3"], None),
        ([], None),
    ],
)
def test_a_group_knows_how_many_partitions_there_were_at_first(
    notes: list[str | None], count: int | None
) -> None:
    assert noted_partitions(notes) == count
