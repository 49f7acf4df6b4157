"""Which venues are blind, by the heartbeats of their producers."""

from liq.processors.stages.venue_watch import MOST_PRODUCERS, SILENT_MS, VenueWatch
from liq.schemas.headers import EVERY_FEED

NOW_MS = 1_783_000_000_000


def watch(**heard: tuple[str, ...]) -> VenueWatch:
    """Producers `a` of venues, with what each calls blind, at this time."""
    found = VenueWatch()
    for exchange, blind in heard.items():
        found.note(exchange, "a", NOW_MS, blind)
    return found


def test_feeds_that_a_producer_calls_blind_are_named_with_their_venue() -> None:
    found = watch(binance=("coinm",), okx=(EVERY_FEED,), bybit=())
    assert found.blind(NOW_MS + 1_000) == ["binance:coinm", "okx"]


def test_a_venue_without_heartbeats_is_blind_when_the_log_goes_on() -> None:
    found = watch(binance=(), okx=())
    late_ms = NOW_MS + SILENT_MS
    assert found.blind(late_ms - 1) == []
    found.note("binance", "a", late_ms, ())
    assert found.blind(late_ms) == ["okx"]
    found.note("okx", "a", late_ms + 1_000, ())
    assert found.blind(late_ms + 1_000) == []


def test_a_feed_that_one_of_two_producers_receives_is_not_blind() -> None:
    found = watch(binance=("coinm", "usdm"))
    found.note("binance", "b", NOW_MS, ("coinm",))
    assert found.blind(NOW_MS) == ["binance:coinm"]
    found.note("binance", "b", NOW_MS, (EVERY_FEED,))
    assert found.blind(NOW_MS) == ["binance:coinm", "binance:usdm"]
    found.note("binance", "a", NOW_MS, (EVERY_FEED,))
    assert found.blind(NOW_MS) == ["binance"]


def test_a_producer_that_died_has_no_say() -> None:
    found = watch(binance=())
    found.note("binance", "b", NOW_MS + SILENT_MS, ("usdm",))
    assert found.blind(NOW_MS + SILENT_MS) == ["binance:usdm"]


def test_a_feed_of_which_nothing_can_be_read_is_blind() -> None:
    found = watch(okx=(), gate=(EVERY_FEED,))
    unread = [("okx", "public"), ("gate", "usdt")]
    assert found.blind(NOW_MS, unread) == ["gate", "okx:public"]


def test_an_older_heartbeat_changes_nothing() -> None:
    found = watch(okx=())
    found.note("okx", "a", NOW_MS - 1, (EVERY_FEED,))
    assert found.blind(NOW_MS) == []


def test_made_up_producers_are_bounded_and_real_ones_stay() -> None:
    found = watch(okx=())
    for number in range(2 * MOST_PRODUCERS):
        found.note("okx", f"x{number}", NOW_MS, ())
    found.note("okx", "a", NOW_MS + 60_000, ())
    assert found.blind(NOW_MS + 60_000) == []
    assert len(found._heard) == MOST_PRODUCERS
