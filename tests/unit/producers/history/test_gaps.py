"""Which gaps are open, which are repaired together, and what is committed."""

from dataclasses import replace

from liq.producers.history.gaps import Gap, GapBook
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent

NOW_MS = 1_784_000_000_000


def gap(from_ms: int, to_ms: int, connection: str = "a", feed: str = "usdt") -> FeedStatus:
    return FeedStatus(
        exchange="gate", feed=feed, connection=connection, event=FeedEvent.GAP,
        timestamp_ms=NOW_MS + to_ms, from_ms=NOW_MS + from_ms, to_ms=NOW_MS + to_ms,
    )  # fmt: skip


def book(*statuses: FeedStatus | None) -> GapBook:
    made = GapBook([("gate", "usdt")])
    for offset, status in enumerate(statuses, 10):
        made.take(3, offset, status)
    return made


def due(made: GapBook, until_ms: int = 1_000_000) -> tuple[int, int, int] | None:
    span = made.due("gate", "usdt", NOW_MS + until_ms)
    return None if span is None else (span.from_ms - NOW_MS, span.to_ms - NOW_MS, len(span.gaps))


def test_gaps_that_touch_are_repaired_together_the_oldest_first() -> None:
    made = book(gap(50, 60), gap(0, 10), gap(5, 20, "b"), gap(20, 30, "c"), gap(31, 40))
    assert due(made) == (0, 30, 3)
    span = made.due("gate", "usdt", NOW_MS + 1_000)
    assert span is not None
    made.close(span.gaps)
    assert due(made) == (31, 40, 1)


def test_a_gap_is_open_until_a_record_ends_it() -> None:
    first = gap(0, 10)
    for event in (FeedEvent.FILLED, FeedEvent.PARTLY, FeedEvent.UNRECOVERABLE):
        assert due(book(first, replace(first, event=event, timestamp_ms=NOW_MS + 99))) is None
    other = replace(first, event=FeedEvent.FILLED, connection="b")
    assert due(book(first, other)) == (0, 10, 1)
    assert due(book(first, first)) == (0, 10, 1)


def test_a_gap_waits_until_it_is_due() -> None:
    made = book(gap(0, 10), gap(5, 500))
    assert due(made, until_ms=9) is None
    assert due(made, until_ms=10) == (0, 10, 1)


def test_what_is_committed_is_the_oldest_open_gap() -> None:
    made = book(gap(0, 10), gap(20, 30), None, gap(40, 50, feed="other"))
    assert made.places() == {3: 10}
    made.close([Gap("gate", "usdt", "a", NOW_MS, NOW_MS + 10)])
    assert made.places() == {3: 11}
    made.close([Gap("gate", "usdt", "a", NOW_MS + 20, NOW_MS + 30)])
    assert made.places() == {3: 14}
    assert made.counts() == {"gate": 0}


def test_records_that_bound_no_time_are_no_gaps() -> None:
    unbounded = replace(gap(0, 10), from_ms=None)
    backwards = gap(10, 0)
    lost = replace(gap(0, 10), event=FeedEvent.LOST)
    assert len(book(unbounded, backwards, lost)) == 0
