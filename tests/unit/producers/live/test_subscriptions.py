"""What was asked, what was answered: acknowledgements, refusals, halving, ten seconds."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from liq.producers.feeds import Received, request
from liq.producers.feeds.registry import FEEDS
from liq.producers.live.subscriptions import Subscriptions
from liq.producers.live.timing import DEFAULT_TIMING

BYBIT = FEEDS["bybit"][0]
OKX = FEEDS["okx"][0]
HYPERLIQUID = FEEDS["hyperliquid"][0]
ACKNOWLEDGE_SECONDS = DEFAULT_TIMING.acknowledge


def test_requests_are_cut_to_the_venues_size() -> None:
    names = tuple(f"S{number}USDT" for number in range(250))
    subscriptions = Subscriptions(BYBIT, names)
    texts = []
    while text := subscriptions.next_text(0.0):
        texts.append(text)
    assert [text.count("allLiquidation.") for text in texts] == [100, 100, 50]
    assert not subscriptions.is_complete
    for number in (1, 2, 3):
        subscriptions.take(Received(acknowledged=(request(number),)))
    assert subscriptions.is_complete
    assert subscriptions.accepted == set(names)


def test_names_may_be_acknowledged_one_by_one() -> None:
    subscriptions = Subscriptions(OKX, ("SWAP", "FUTURES"))
    subscriptions.next_text(0.0)
    subscriptions.take(Received(acknowledged=("FUTURES",)))
    assert not subscriptions.is_complete
    assert subscriptions.overdue(ACKNOWLEDGE_SECONDS - 0.1) == ()
    assert subscriptions.overdue(ACKNOWLEDGE_SECONDS) == ("SWAP",)
    subscriptions.give_up(("SWAP",), "no answer")
    assert subscriptions.is_complete
    assert subscriptions.refused == {"SWAP": "no answer"}


def test_an_address_that_subscribes_needs_no_request() -> None:
    subscriptions = Subscriptions(FEEDS["extended"][0], ("publicTrades",))
    assert subscriptions.next_text(0.0) is None
    assert subscriptions.is_complete
    assert subscriptions.accepted == {"publicTrades"}


def test_an_answer_to_nothing_changes_nothing() -> None:
    subscriptions = Subscriptions(OKX, ("SWAP",))
    subscriptions.next_text(0.0)
    assert not subscriptions.take(Received(acknowledged=("OPTION", request(9))))
    assert not subscriptions.take(Received(refused=("OPTION",), refusal="no"))
    assert not subscriptions.is_complete
    assert not subscriptions.is_refused


def test_nothing_to_ask_is_refused() -> None:
    assert Subscriptions(OKX, ()).is_refused


@given(st.sets(st.integers(0, 63)), st.integers(1, 64), st.booleans())
def test_exactly_the_bad_names_are_left_out(
    bad: set[int],
    size: int,
    is_numbered: bool,  # noqa: FBT001 - hypothesis gives it by position
) -> None:
    """Whatever the size of requests, and whether refusals name their request or not."""
    names = tuple(str(number) for number in range(64))
    asked: list[tuple[str, ...]] = []

    def subscribe(some: tuple[str, ...], _number: int) -> str:
        asked.append(some)
        return "x"

    feed = replace(BYBIT, subscribe=subscribe, names_per_request=size)
    subscriptions = Subscriptions(feed, names)
    number = 0
    while subscriptions.next_text(0.0):
        number += 1
        if {int(name) for name in asked[-1]} & bad:
            refused = (request(number),) if is_numbered else ()
            assert subscriptions.take(Received(refused=refused, refusal="bad"))
        else:
            subscriptions.take(Received(acknowledged=(request(number),)))
    assert set(subscriptions.refused) == {str(number) for number in bad}
    assert subscriptions.accepted == set(names) - set(subscriptions.refused)
    assert subscriptions.is_refused is (len(bad) == 64)


def exchange_in_use() -> Subscriptions:
    """Return the subscriptions of accounts a, b and c, all accepted."""
    subscriptions = Subscriptions(HYPERLIQUID, ("a", "b", "c"))
    while subscriptions.next_text(0.0):
        pass
    subscriptions.take(Received(acknowledged=("a", "b", "c")))
    return subscriptions


def test_a_name_is_exchanged_only_after_the_other_s_subscription_has_ended() -> None:
    subscriptions = exchange_in_use()
    subscriptions.exchange("b", "d")
    assert subscriptions.names == ("a", "c", "d")
    ending = subscriptions.next_text(1.0)
    assert ending is not None
    assert '"unsubscribe"' in ending
    assert '"b"' in ending
    assert subscriptions.next_text(1.0) is None
    subscriptions.take(Received(ended=("b",)))
    beginning = subscriptions.next_text(1.1)
    assert beginning is not None
    assert '"subscribe"' in beginning
    assert '"d"' in beginning
    subscriptions.take(Received(acknowledged=("d",)))
    assert subscriptions.accepted == {"a", "c", "d"}
    assert subscriptions.is_complete


def test_an_end_without_an_answer_delays_the_next_name_for_a_bounded_time() -> None:
    subscriptions = exchange_in_use()
    subscriptions.exchange("b", "d")
    subscriptions.next_text(1.0)
    subscriptions.end_overdue(1.0 + ACKNOWLEDGE_SECONDS - 0.1)
    assert subscriptions.next_text(2.0) is None
    subscriptions.end_overdue(1.0 + ACKNOWLEDGE_SECONDS)
    assert subscriptions.next_text(12.0) is not None


def test_a_name_that_was_refused_is_left_without_a_request() -> None:
    subscriptions = exchange_in_use()
    subscriptions.exchange(None, "d")
    subscriptions.next_text(1.0)
    subscriptions.take(Received(refusal="no more users"))
    assert subscriptions.refused == {"d": "no more users"}
    subscriptions.exchange("d", None)
    assert subscriptions.names == ("a", "b", "c")
    assert subscriptions.refused == {}
    assert not subscriptions.is_unsent
