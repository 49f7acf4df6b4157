"""What a poll has published: bounded, and forgotten once it is not requested again."""

from liq.producers.history.published import PublishedRows
from liq.producers.history.spec import Row

ROWS = [Row(number, str(number)) for number in range(10)]


def test_rows_are_known_by_subject_time_and_identity() -> None:
    published = PublishedRows()
    published.add("BTC", ROWS)
    assert published.has_all("BTC", ROWS[3:5])
    assert not published.has_all("ETH", ROWS[3:5])
    assert not published.has_all("BTC", [*ROWS, Row(3, "4")])


def test_old_rows_are_forgotten() -> None:
    published = PublishedRows()
    published.add("BTC", ROWS)
    published.forget_before(7)
    assert len(published) == 3
    assert not published.has_all("BTC", ROWS[6:7])


def test_the_memory_is_bounded() -> None:
    published = PublishedRows(most=4)
    published.add("BTC", ROWS)
    assert len(published) == 4
    assert published.has_all("BTC", ROWS[6:])
