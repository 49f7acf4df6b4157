"""The limits that a venue sets for its clients, with the source and date of each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LimitScope(StrEnum):
    """The scope of limits on messages: one connection, or all connections of an address."""

    CONNECTION = "connection"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a venue; None means that the venue documents no limit.

    `source` has the documents or measurements, `as_of` the ISO date on which they were true.
    `scope` applies to messages, requests and unanswered requests. Messages are all that the client
    sends, including pings and answers; requests are subscriptions only. A channel is a kind of
    data; its limit is the number of symbols per connection. Limits per address count every
    connection from that address, whatever `scope` is.
    """

    source: str
    as_of: str
    scope: LimitScope = LimitScope.CONNECTION
    subscriptions_per_connection: int | None = None
    subscriptions_per_channel: int | None = None
    subscriptions_per_address: int | None = None
    characters_per_connection: int | None = None
    requests_per_second: int | None = None
    requests_per_hour: int | None = None
    messages_per_second: int | None = None
    messages_per_minute: int | None = None
    unanswered_requests: int | None = None
    connections_per_address: int | None = None
    connections_per_minute: int | None = None
    connections_per_hour: int | None = None

    def in_words(self) -> tuple[str, ...]:
        """Return each documented limit in a few words."""
        mine = "address" if self.scope is LimitScope.ADDRESS else "connection"
        found = (
            (self.subscriptions_per_connection, "subscriptions a connection"),
            (self.subscriptions_per_channel, "subscriptions a channel and connection"),
            (self.subscriptions_per_address, "subscriptions an address"),
            (self.characters_per_connection, "characters of topics a connection"),
            (self.requests_per_second, f"requests a second and {mine}"),
            (self.requests_per_hour, f"requests an hour and {mine}"),
            (self.messages_per_second, f"messages a second and {mine}"),
            (self.messages_per_minute, f"messages a minute and {mine}"),
            (self.unanswered_requests, f"unanswered requests by {mine}"),
            (self.connections_per_address, "connections an address"),
            (self.connections_per_minute, "new connections a minute and address"),
            (self.connections_per_hour, "new connections an hour and address"),
        )
        return tuple(f"{value:,} {words}" for value, words in found if value is not None)


#: A declaration without limits; a test rejects it in this project's own feeds.
NO_LIMITS: Final = Limits(source="", as_of="")
