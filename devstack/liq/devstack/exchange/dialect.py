"""The declaration of a feed's protocol, which each venue's `dialect.py` makes."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

# Data frame number `n` of a dialect has this time plus `n` milliseconds.
START_MS: Final = 1_783_000_000_000


@dataclass(frozen=True)
class Answer:
    """The replies to one message of a client, and the names that it subscribes or ends.

    `data` are replies with data, such as past trades. They are sent last, and must arrive in Kafka.
    """

    replies: list[Any] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    data: list[Any] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


Respond = Callable[[Any, frozenset[str]], Answer]
Frame = Callable[[str, int], Any]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The protocol of one feed of an exchange, as recorded, or else as documented by the exchange.

    A dialect is independent of the producers' module of the venue, so that each checks the other.
    The docstring of its module names the sources.

    Attributes:
        exchange: The exchange, as the producers' feed names it.
        feed: The feed, as the producers' feed names it.
        setting: The environment variable that replaces the feed's address.
        respond: Return the answer to a client's message, parsed (text if it is not JSON); the
            second argument has the names whose subscription is refused.
        frame: Return a data frame of a symbol; the number makes each frame different.
        symbol: The symbol of data frames by default, and their record key.
        subscribes: A name that a client has to subscribe to get those data frames.
        opens_with: The names that the address subscribes, without a request.
        hello: Messages that are sent when a client connects.
        listing_setting: The environment variable that replaces the address of the market listing.
        list_markets: Return the listing of symbols, with an inactive market if the exchange lists
            such markets.
        client_ping: A ping of the client.
        client_pong: The answer to `client_ping`.
        server_ping: A ping of the server.
        server_pong: The answer that the client has to give to `server_ping`.
        is_gzipped: Whether messages are sent as gzip in binary frames.
        key_setting: The environment variable of the key that the address must have.
        key_parameter: Where the key is in the address.
        environment: More settings of a producer that connects to this feed only.
    """

    exchange: str
    feed: str
    setting: str
    respond: Respond
    frame: Frame
    symbol: str
    subscribes: str
    opens_with: tuple[str, ...] = ()
    hello: tuple[Any, ...] = ()
    listing_setting: str = ""
    list_markets: Callable[[Sequence[str]], Any] | None = None
    client_ping: Any = None
    client_pong: Any = None
    server_ping: Any = None
    server_pong: Any = None
    is_gzipped: bool = False
    key_setting: str = ""
    key_parameter: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def encode(self, message: Any) -> bytes | str:
        """Return the wire form of a message: text, or gzip in bytes."""
        text = message if isinstance(message, str) else json.dumps(message)
        return gzip.compress(text.encode()) if self.is_gzipped else text
