"""All kinds of misbehaviour of a local exchange, by name.

Tests that must notice misbehaviour iterate over all of them, and so cover new ones.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum, auto
from http import HTTPStatus
from typing import Final

from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds.registry import FEEDS

OVERSIZE_BYTES: Final = 2 * 1_048_576
CLOCK_OFF_MS: Final = 60_000


class Misbehaviour(StrEnum):
    """A kind of misbehaviour."""

    HANDSHAKE_REFUSED = auto()
    RATE_LIMITED = auto()
    LISTING_REFUSED = auto()
    LISTING_EMPTY = auto()
    LISTING_UNREADABLE = auto()
    ALL_REFUSED = auto()
    SOME_REFUSED = auto()
    MUTE = auto()
    SOME_UNANSWERED = auto()
    SLOW_ANSWERS = auto()
    HALF_OPEN = auto()
    CLOSES_AT_ONCE = auto()
    CLOSES_FOR_A_REASON = auto()
    SILENT = auto()
    GARBAGE = auto()
    NOT_TEXT = auto()
    UNKNOWN_SHAPE = auto()
    OVERSIZE = auto()
    CLOCK_BEHIND = auto()
    CLOCK_AHEAD = auto()


def _names(exchange: LocalExchange) -> frozenset[str]:
    """Return the subscriptions of a producer: the listed markets, or the feed's channels."""
    dialect = exchange.dialect
    [feed] = [each for each in FEEDS[dialect.exchange] if each.name == dialect.feed]
    return frozenset(feed.names or exchange.markets)


def _handshake_refused(exchange: LocalExchange) -> None:
    exchange.status = HTTPStatus.FORBIDDEN


def _rate_limited(exchange: LocalExchange) -> None:
    exchange.status, exchange.retry_after_seconds = HTTPStatus.TOO_MANY_REQUESTS, 60


def _listing_refused(exchange: LocalExchange) -> None:
    exchange.listing_status = HTTPStatus.SERVICE_UNAVAILABLE


def _listing_empty(exchange: LocalExchange) -> None:
    exchange.list_markets()


def _listing_unreadable(exchange: LocalExchange) -> None:
    exchange.listing = {"markets moved": "elsewhere"}


def _all_refused(exchange: LocalExchange) -> None:
    exchange.refused = _names(exchange)


def _some_refused(exchange: LocalExchange) -> None:
    exchange.refused = _names(exchange) - {exchange.dialect.subscribes}


def _mute(exchange: LocalExchange) -> None:
    exchange.is_mute = True


def _some_unanswered(exchange: LocalExchange) -> None:
    exchange.ignored = _names(exchange) - {exchange.dialect.subscribes}


def _slow_answers(exchange: LocalExchange) -> None:
    exchange.answer_seconds = 0.7


def _half_open(exchange: LocalExchange) -> None:
    exchange.freezes_subscribers = True


def _closes_at_once(exchange: LocalExchange) -> None:
    exchange.cuts_subscribers = True


def _closes_for_a_reason(exchange: LocalExchange) -> None:
    exchange.close_reason = "too many subscriptions"


def _silent(exchange: LocalExchange) -> None:
    exchange.is_silent = True


def _garbage(exchange: LocalExchange) -> None:
    exchange.greeting = "<html>Service Unavailable</html>"


def _not_text(exchange: LocalExchange) -> None:
    exchange.greeting = bytes(range(128, 256))


def _unknown_shape(exchange: LocalExchange) -> None:
    exchange.greeting = '{"liquidations": {"v": 9, "rows": [["BTC", "long", "60000", "1"]]}}'


def _oversize(exchange: LocalExchange) -> None:
    exchange.greeting = "x" * OVERSIZE_BYTES


def _clock_behind(exchange: LocalExchange) -> None:
    exchange.clock_offset_ms = -CLOCK_OFF_MS


def _clock_ahead(exchange: LocalExchange) -> None:
    exchange.clock_offset_ms = CLOCK_OFF_MS


_PLAYED_BY: Final[Mapping[Misbehaviour, Callable[[LocalExchange], None]]] = {
    kind: globals()[f"_{kind.value}"] for kind in Misbehaviour
}


def misbehave(exchange: LocalExchange, kind: Misbehaviour) -> None:
    """Make an exchange misbehave from now on."""
    _PLAYED_BY[kind](exchange)
