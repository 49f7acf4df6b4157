"""The limits that a venue sets to its clients, stated with the source and date of each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LimitScope(StrEnum):
    """Who shares the allowance of messages: one connection, or all connections of an address."""

    CONNECTION = "connection"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a venue allows; None where the venue documents no limit.

    `source` names the documents or measurements, `as_of` the ISO date at which they were true.
    `scope` says who shares the allowance of messages, requests and unanswered requests. Messages
    are all that the client sends, pings and answers included; requests are subscriptions alone.
    A channel is a kind of data, of which a connection may subscribe to so many symbols. Limits
    an address count every connection from there, whatever `scope` says.
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
        """Return each documented limit as a few words."""
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


#: A declaration that states no limits yet; a test rejects it among the feeds of the house.
NO_LIMITS: Final = Limits(source="", as_of="")
