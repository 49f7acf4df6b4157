"""Fills of all accounts, each with its owner: of a Hyperliquid node, or of a provider.

A trade has two parties, whose fills both name the victim. Exactly one of the two gives the event.
The venue's module has the sources.
"""

from typing import Any, Final

from liq.processors.normalizers.hyperliquid_fills import (
    BACKSTOP,
    PAIR_LENGTH,
    address,
    liquidation_of,
    read_closing_order,
    read_makers_fill,
    read_takeover,
    trade_of,
    victim_of,
    victims_fills,
)
from liq.processors.normalizers.kit import (
    EntryError,
    JsonObject,
    Reading,
    array_field,
    row_object,
    text,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, RejectReason

CONTROL_CHANNELS: Final = frozenset({"subscriptionResponse", "pong", "error"})
PROVIDER_CHANNEL: Final = "liquidationFills"
PROVIDER_CONTROL: Final = CONTROL_CHANNELS | {
    "connected",
    "ping",
    "reconnected",
    "subscriptionUpdate",
    "unsubscribed",
}


def read_node_fills(reading: Reading, message: Any) -> None:
    """Read a line of a node's fills, one [owner, fill] or a block, or a provider's message."""
    if type(message) is list:
        reading.entries([message], read_node_fill)
    elif type(message) is dict and "events" in message:
        reading.entries(array_field(message, "events"), read_node_fill)
    else:
        read_provider(reading, message)


def read_provider(reading: Reading, message: Any) -> None:
    """Read a provider's message."""
    if type(message) is not dict:
        raise unknown_message(message)
    if is_provider_data(message):
        pairs = array_field(message, "fills")
        reading.entries(pairs, read_either_fill, victims_fills(pairs))


def is_provider_data(message: JsonObject) -> bool:
    """Return whether a provider's message has fills; False for a control message.

    Raises:
        EntryError: unknown_message if it is neither.
    """
    kind = message.get("channel", message.get("type"))
    if kind == PROVIDER_CHANNEL:
        return True
    if type(kind) is str and kind in PROVIDER_CONTROL:
        return False
    raise unknown_message(message)


def read_node_fill(reading: Reading, owned_fill: Any) -> Liquidation | None:
    """Read one party's fill of a pair; only one of the two parties' fills gives the event."""
    return read_party(reading, owned_fill, None)


def read_either_fill(
    reading: Reading, owned_fill: Any, victims: frozenset[tuple[Any, Any, Any]]
) -> Liquidation | None:
    """Read one party's fill; a maker's only if the victim's is not among the `victims`."""
    return read_party(reading, owned_fill, victims)


def read_party(
    reading: Reading, owned_fill: Any, victims: frozenset[tuple[Any, Any, Any]] | None
) -> Liquidation | None:
    """Read one party's fill; without `victims`, ignore makers' fills."""
    if type(owned_fill) is not list or len(owned_fill) != PAIR_LENGTH:
        raise EntryError(RejectReason.MISSING_FIELD, "An entry is not an owner and a fill.")
    fields = row_object(owned_fill[1])
    liquidation = liquidation_of(fields)
    if liquidation is None:
        return None
    victim = victim_of(liquidation)
    owner = address(text(owned_fill[0], "The owner"), "The owner")
    if liquidation["method"] == BACKSTOP:
        return None if owner == victim else read_takeover(reading, fields, victim, owner)
    if owner == victim:
        return read_closing_order(reading, fields, victim, Completeness.COMPLETE)
    if victims is None or trade_of(fields) in victims:
        return None
    return read_makers_fill(reading, fields, victim, Completeness.COMPLETE)
