"""How a feed of an exchange declares itself to the shared connection.

A declaration says where to connect, what to ask for, and what each message is; the connection
(`liq.producers.live.session`, `liq.producers.live.feed_runner`) does everything else.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SubscribeText = Callable[[tuple[str, ...], int], str]
Reader = Callable[[Any], "Received"]
SymbolOf = Callable[[Any], Any]
ParseSymbols = Callable[[Any], tuple[str, ...]]

DEFAULT_LIFETIME_SECONDS: Final = 82_800.0  # venues cut connections after 24 hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one message is; a message can be several things, an answer and data for instance.

    `acknowledged` and `refused` name what they are about: a subscribed name, or the number of a
    request as `request(number)` writes it. A refusal of no particular name has `refused` empty
    and only a `refusal`. `replies` are sent back at once.
    """

    is_data: bool = False
    acknowledged: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    refusal: str = ""
    replies: tuple[str, ...] = ()


DATA: Final = Received(is_data=True)
CONTROL: Final = Received()


def request(number: int | str) -> str:
    """The token of a request that a venue answers by number."""
    return f"#{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What the client sends every so often; without a text it is a websocket ping.

    A text may be made from the time, in seconds since 1970.

    `answer_seconds` is how long the connection may be without any sign of life after it.
    """

    text: str | Callable[[int], str] | None = None
    every_seconds: float = 15.0
    answer_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolListing:
    """Where a venue without a wildcard lists its markets: a GET that answers in JSON.

    `setting` names the environment variable that replaces the whole address. Where a listing has
    several pages, `next_page` gives the query to add for the next one, or None on the last.
    """

    setting: str
    address: str
    parse: ParseSymbols
    next_page: Callable[[Any], Mapping[str, str] | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed of one exchange.

    `names` are what is subscribed: channels, or symbols if there is a `listing`. A request asks
    for at most `names_per_request`, a connection for at most `names_per_connection`, and requests
    are `request_interval_seconds` apart. `silence_seconds` is far beyond the longest time that
    the feed is usually without data. `unpack` turns a received frame into the message, and raises
    `ValueError` where it cannot.

    `names_setting` names the environment variable that replaces `names`; a feed without names and
    without a listing is off. `subscribes_to` says in a few words what is subscribed by default; the
    table of docs/feeds.md prints it.
    """

    exchange: str
    name: str
    subscribes_to: str
    address_setting: str
    address: str
    subscribe: SubscribeText
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

    @property
    def label(self) -> str:
        """Exchange and feed, for logs and task names."""
        return f"{self.exchange}.{self.name}"


def compact(message: object) -> str:
    """A message as JSON text."""
    return json.dumps(message, separators=(",", ":"))


def per_name(message: Callable[[str], object]) -> SubscribeText:
    """For venues that take one name a request."""

    def subscribe(names: tuple[str, ...], _number: int) -> str:
        [name] = names
        return compact(message(name))

    return subscribe
