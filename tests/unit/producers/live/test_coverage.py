"""The outages that are still open, by the feed records of a producer that ran before."""

from liq.producers.live.coverage import open_outages
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent


def status(
    event: FeedEvent, from_ms: int | None = None, feed: str = "linear", slot: str = "a"
) -> FeedStatus:
    return FeedStatus(
        exchange="bybit",
        feed=feed,
        connection=f"{slot}:bybit.{feed}:1f",
        event=event,
        timestamp_ms=1_000,
        from_ms=from_ms,
    )


def test_a_loss_without_a_gap_is_open_and_repeats_do_not_move_it() -> None:
    records = [status(FeedEvent.LOST, 100), status(FeedEvent.REFUSED, 100)]
    assert open_outages(records, "bybit", "a") == {"linear": 100}


def test_a_gap_ends_it() -> None:
    records = [status(FeedEvent.LOST, 100), status(FeedEvent.GAP, 100)]
    assert open_outages(records, "bybit", "a") == {}


def test_of_several_connections_the_earliest_that_is_open_counts() -> None:
    records = [
        status(FeedEvent.LOST, 100),
        status(FeedEvent.LOST, 200),
        status(FeedEvent.GAP, 200),
        status(FeedEvent.LOST, 300, feed="inverse"),
    ]
    assert open_outages(records, "bybit", "a") == {"linear": 100, "inverse": 300}


def test_a_connection_that_is_down_beyond_anothers_gap_says_so_again() -> None:
    records = [
        status(FeedEvent.LOST, 200),
        status(FeedEvent.GAP, 100),
        status(FeedEvent.LOST, 200),
    ]
    assert open_outages(records, "bybit", "a") == {"linear": 200}


def test_others_losses_are_not_ours_and_a_loss_beside_a_live_connection_is_none() -> None:
    records = [status(FeedEvent.LOST, 100, slot="ab"), status(FeedEvent.LOST)]
    assert open_outages(records, "bybit", "a") == {}
    assert open_outages([status(FeedEvent.LOST, 100)], "okx", "a") == {}


def test_a_feed_that_no_normalizer_reads_is_received_all_the_same() -> None:
    records = [status(FeedEvent.UNREAD, 100)]
    assert open_outages(records, "bybit", "a") == {}


def test_a_move_to_another_address_ends_in_its_gap() -> None:
    records = [status(FeedEvent.MOVED, 100), status(FeedEvent.GAP, 100)]
    assert open_outages(records, "bybit", "a") == {}
