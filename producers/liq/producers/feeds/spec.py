"""The declaration of a feed: where to connect, what to subscribe, and how to read each message.

The shared connection (`liq.producers.live`) does everything else.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.producers.feeds.limits import NO_LIMITS, Limits

SubscribeText = Callable[[tuple[str, ...], int], str]
Reader = Callable[[Any], "Received"]
SymbolOf = Callable[[Any], Any]
SentAt = Callable[[Any], Any]
ParseSymbols = Callable[[Any], tuple[str, ...]]
RenewOn = Callable[[Any], bool]
Split = Callable[[bytes, int], list[bytes]]
Body = Mapping[str, str]

DEFAULT_LIFETIME_SECONDS: Final = 82_800.0  # venues cut connections after 24 hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The meaning of one message, which can be both an answer and data.

    `acknowledged` and `refused` have subscribed names, or numbers of requests as
    `request(number)` writes them. `ended` has names whose subscription has ended. A refusal
    without names has an empty `refused` and a `refusal`. The connection sends `replies` at once.
    """

    is_data: bool = False
    acknowledged: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    refusal: str = ""
    replies: tuple[str, ...] = ()


DATA: Final = Received(is_data=True)
CONTROL: Final = Received()


def never(_message: Any) -> bool:
    """Return False: the venue announces no end of a connection."""
    return False


def request(number: int | str) -> str:
    """Return the token of a request that a venue answers by number."""
    return f"#{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The client's ping: a text, or a websocket ping where `text` is None.

    A function returns the text, given the time in seconds since 1970. A connection that receives
    nothing for `answer_seconds` after a ping is dead.
    """

    text: str | Callable[[int], str] | None = None
    every_seconds: float = 15.0
    answer_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolListing:
    """The address (GET, JSON) at which a venue without a wildcard lists its markets.

    `setting` names the environment variable that replaces the whole address. Where a listing has
    several pages, `next_page` returns the query to add for the next page, or None on the last.

    With a `body` the listing is the answers to POST requests of JSON: of `body`, and of the bodies
    that `next_bodies` finds in each answer.
    """

    setting: str
    address: str
    parse: ParseSymbols
    next_page: Callable[[Any], Mapping[str, str] | None] | None = None
    body: Body | None = None
    next_bodies: Callable[[Any], tuple[Body, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """One feed of one exchange.

    The connection subscribes to `names`: channels, or symbols where there is a `listing`, by
    requests that `subscribe` writes. It is None where the address subscribes and the venue expects
    no request. A request has at most `names_per_request`, a connection at most
    `names_per_connection`, and requests are `request_interval_seconds` apart. `silence_seconds` is
    far beyond the longest usual silence of the feed. `unpack` turns a received frame into the
    message, or raises `ValueError`.

    `needs_rates` lists the currencies, other than dollars, in which contracts of the feed are
    quoted or paid; its frames have their rates.
    `limits` are the venue's; `most_connections` is this feed's share of them. Names beyond the
    share are left out and reported. `renew_on` recognizes the control message by which the venue
    announces the end of a connection: another is subscribed before.
    `alternatives` are documented addresses that are tried in turn while `address` stays silent.

    `names_setting` is the environment variable that replaces `names`; a feed without names and
    without a listing is off. `subscribes_to` states the default subscription in a few words; the
    table of docs/feeds.md prints it.

    `key_setting` is the environment variable with the key of a paid stream, `key_parameter` the
    key's parameter in the address; without a key the feed is off. `server` is such a stream's own
    service: it shares neither limits nor failures with the exchange's feeds. `acknowledges` is
    False where the form of an answer is not known: no answer then counts as accepted.

    `max_frame_bytes` is the largest message that is received. A feed whose messages may exceed
    `MAX_FRAME_BYTES` has a `split`, which divides one into records within a limit of bytes.

    `is_joined` marks feeds of an exchange that one process joins: one shard has all their names.

    The producer selects up to `spare_names` more names by itself while it runs; `spare_setting`
    replaces that number. `unsubscribe` returns the request that ends a subscription.

    `sent_at_ms` returns the time at which the venue sent a data message (UTC milliseconds), or
    anything else if the message has no time; only for feeds that push at once. `liq doctor`
    compares clocks by it.
    """

    exchange: str
    name: str
    subscribes_to: str
    address_setting: str
    address: str
    subscribe: SubscribeText | None
    read: Reader
    symbol_of: SymbolOf
    silence_seconds: float
    names: tuple[str, ...] = ()
    names_setting: str | None = None
    listing: SymbolListing | None = None
    names_per_request: int = 50
    names_per_connection: int = 1_000
    request_interval_seconds: float = 0.2
    on_open: tuple[str, ...] = ()
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    headers: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[bytes, Received] = field(default_factory=dict)
    unpack: Callable[[bytes], bytes] | None = None
    lifetime_seconds: float = DEFAULT_LIFETIME_SECONDS
    needs_rates: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    most_connections: int | None = None
    renew_on: RenewOn = never
    alternatives: tuple[str, ...] = ()
    sent_at_ms: SentAt | None = None
    key_setting: str | None = None
    key_parameter: str = ""
    server: str = ""
    acknowledges: bool = True
    max_frame_bytes: int = MAX_FRAME_BYTES
    split: Split | None = None
    is_joined: bool = False
    spare_names: int = 0
    spare_setting: str | None = None
    unsubscribe: SubscribeText | None = None

    @property
    def service(self) -> str:
        """Return the service of the feed: feeds of one service share limits and a breaker."""
        return self.server or self.exchange

    @property
    def names_a_connection(self) -> int:
        """Return the names per connection: the feed's own number, within the venue's limits."""
        limits = self.limits
        allowed = (limits.subscriptions_per_connection, limits.subscriptions_per_channel)
        return min([self.names_per_connection, *(each for each in allowed if each is not None)])

    @property
    def label(self) -> str:
        """Return exchange and feed, for logs and task names."""
        return f"{self.exchange}.{self.name}"


def compact(message: object) -> str:
    """Return a message as JSON text."""
    return json.dumps(message, separators=(",", ":"))


def per_name(message: Callable[[str], object]) -> SubscribeText:
    """Return a `subscribe` for venues that accept one name a request."""

    def subscribe(names: tuple[str, ...], _number: int) -> str:
        [name] = names
        return compact(message(name))

    return subscribe
