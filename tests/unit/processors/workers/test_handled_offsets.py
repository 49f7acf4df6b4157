"""What may be committed: everything before it is handled, also where offsets have no record."""

from faust.types import TP

from liq.processors.workers.handled_offsets import Committable, HandledOffsets

PLACE, OTHER = TP("raw", 0), TP("raw", 1)


def test_a_position_is_committed_once_every_batch_before_it_is_handled() -> None:
    offsets = HandledOffsets()
    for first, end in ((0, 10), (10, 20)):
        offsets.start(PLACE, first)
        offsets.send({PLACE: end})
    offsets.move(PLACE, 25)
    assert offsets.committable(PLACE) is None
    offsets.handle({PLACE: 10}, {0: "a"})
    assert offsets.committable(PLACE) == Committable(10, "a", is_passed=False)
    assert offsets.unhandled(PLACE) == 10
    offsets.handle({PLACE: 20}, {0: "b"})
    assert offsets.committable(PLACE) == Committable(25, "b", is_passed=True)
    assert offsets.unhandled(PLACE) == 0


def test_a_later_batch_takes_nothing_beyond_it_along() -> None:
    offsets = HandledOffsets()
    offsets.move(PLACE, 25)
    offsets.send({PLACE: 30})
    assert offsets.committable(PLACE) is None
    offsets.handle({PLACE: 30}, {})
    assert offsets.committable(PLACE) == Committable(30, "", is_passed=False)


def test_a_partition_without_any_record_keeps_the_note_that_is_committed() -> None:
    offsets = HandledOffsets()
    offsets.move(PLACE, 25)
    assert offsets.places == [PLACE]
    assert offsets.committable(PLACE) == Committable(25, None, is_passed=True)


def test_nothing_is_known_of_a_partition_that_was_taken_away() -> None:
    offsets = HandledOffsets()
    for place in (PLACE, OTHER):
        offsets.send({place: 10})
        offsets.handle({place: 10}, {})
        offsets.move(place, 25)
    offsets.forget({PLACE})
    assert offsets.committable(PLACE) is None
    assert offsets.places == [OTHER]
