"""Hyperliquid: fills of the liquidator vaults, a node's fills, and public trades with a vault.

Sources: hyperliquid.gitbook.io, "Liquidations" and the websocket pages (read 2026); recorded fills
of the liquidator vaults of 2025-10 and 2026-08; HLP's list of vaults (2026); the README of
hyperliquid-dex/node for its files.

There is no public feed of liquidations. Most are market orders on the book, which nothing public
marks; only the backstop, which hands a position to a vault, can be seen. It was about 1 % of the
liquidation fills of a year, and the tail that matters in a crash.

`userFills` of a vault (evidence: reported). A takeover carries `liquidation.method` "backstop"
and a `dir` such as "Liquidated Cross Long", which names the side of the victim, not the vault's.
The vault's later unwinding carries no `liquidation`; an auto-deleveraging says so in `dir`, and
its counterparty won. Neither is a liquidation, nor is the liquidation of another account by market
order that the vault happened to be the maker of. Fills of an `isSnapshot` message are history, and
are given all the same: their ids are the venue's own, so a repeat is recognized downstream, and
they may fill a gap.

`nodeFills` are the fills that a node of one's own writes, of all accounts (evidence: reported,
complete): a line of `node_fills`, which is [owner, fill], or one of `node_fills_by_block`, with an
array of them as `events`. Both parties' fills carry `liquidation`. Of a liquidation by market order
the one of `liquidatedUser` is the event, and its `side` is that of the closing order: A (sold)
closes a long, and `dir` must agree. Of a takeover it is the liquidator's, read as in `userFills`:
the two feeds give one id, and whichever arrives first, the event is the same, completeness
"backstop" included. An auto-deleveraging gives nothing. The shape of the lines is taken from
descriptions, not from recordings. Providers of keyed streams send the same pairs as `fills` of a
message whose `channel` or `type` is liquidationFills (GoldRush and Hydromancer, documentation of
2026-07); it is read as a block is.

`trades` (evidence: inferred). `users` is [buyer, seller]. A vault among them may be a takeover or
an unwinding, which have opposite meanings and look alike; SIDE_WHEN_VAULT_BUYS is a choice, not a
fact: it fits unwindings, in which nobody is liquidated, while recorded takeovers show a buying
vault for a liquidated long. The counterparty is named as the liquidated user. Use the feed for
research. Whether takeovers are published as trades at all is unsettled; where one is, it has the id
of the vault's fill, since both sides of a trade share `tid`: run one of the two feeds.

Prices are fills (in a takeover the transfer price, which can be far from the market), sizes are
units of the base, and `time` is the block's in milliseconds. kPEPE is a thousand PEPE. Markets
of builder-deployed exchanges are written `dex:COIN`; their collateral is taken for USDC, though
some use another dollar coin. `@107` and PURR/USDC are spot, which cannot be liquidated.
"""

import re
from functools import lru_cache
from typing import Any, Final

from liq.processors.normalizers.kit import (
    EntryError,
    Feed,
    JsonObject,
    Market,
    Reading,
    Venue,
    array_field,
    check_symbol,
    liquidated_side,
    needed,
    new_market,
    object_field,
    positive_decimal,
    positive_price,
    row_object,
    shown,
    take,
    text,
    text_field,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import (
    Completeness,
    ContractKind,
    Evidence,
    PriceKind,
    RejectReason,
    Side,
)

# The five liquidators of HLP, which take positions over (vaultDetails of HLP, 2026). Its market
# making vaults are not among them: they trade with everybody.
LIQUIDATOR_VAULTS: Final = frozenset(
    {
        "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",  # HLP Liquidator
        "0xb0a55f13d22f66e6d495ac98113841b2326e9540",  # HLP Liquidator 2
        "0x5e177e5e39c0f4e421f5865a6d8beed8d921cb70",  # HLP Liquidator 3
        "0x2ed5c4484ea3ff8b57d5f2fb152a40d9f2b68308",  # HLP Liquidator 4
        "0x63c621a33714ec48660e32f2374895c8026a3a00",  # Liquidator, a vault of its own
    }
)
SIDE_WHEN_VAULT_BUYS: Final = Side.SHORT

BACKSTOP: Final = "backstop"
METHODS: Final = frozenset({BACKSTOP, "market"})
TAKEOVER_PREFIX: Final = "Liquidated "
TAKEOVER_SIDES: Final = {"Long": Side.LONG, "Short": Side.SHORT}
CONTROL_CHANNELS: Final = frozenset({"subscriptionResponse", "pong", "error"})
AUTO_DELEVERAGING: Final = "Auto-Deleveraging"
PROVIDER_CHANNEL: Final = "liquidationFills"
PROVIDER_CONTROL: Final = CONTROL_CHANNELS | {
    "connected",
    "ping",
    "reconnected",
    "subscriptionUpdate",
    "unsubscribed",
}
VICTIM_ORDERS: Final = {"A": Side.LONG, "B": Side.SHORT}
CLOSING_PREFIXES: Final = ("Close ", TAKEOVER_PREFIX)
FILL_FIELDS: Final = needed("coin", "px", "sz", "time", "tid")
QUOTE: Final = "USDC"
IDENTITY: Final = "time, coin, tid"
MAX_TRADE_ID: Final = 2**63 - 1

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_THOUSANDS = re.compile(r"k(?=[^\W\d_a-z])")
_SPOT = re.compile(r"@|.*/", re.ASCII)


def read_user_fills(reading: Reading, message: Any) -> None:
    """Read a `userFills` message of a followed address."""
    if is_control(message, "userFills"):
        return
    data = object_field(message, "data")
    owner = address(text_field(data, "user"), "user")
    reading.entries(array_field(data, "fills"), read_fill, owner)


def read_fill(reading: Reading, fill: Any, owner: str) -> Liquidation | None:
    """Read one fill; only a takeover by the backstop is an event."""
    fields: JsonObject = row_object(fill)
    if fields.get("liquidation") is None:
        return None
    liquidation = object_field(fields, "liquidation")
    if checked_method(liquidation) != BACKSTOP:
        return None
    victim = address(text_field(liquidation, "liquidatedUser"), "liquidatedUser")
    return read_takeover(reading, fields, victim, None if owner == victim else owner)


def read_takeover(
    reading: Reading, fields: JsonObject, victim: str, liquidator: str | None
) -> Liquidation | None:
    """Read a party's fill of the backstop; an auto-deleveraging is no event."""
    direction = text_field(fields, "dir")
    if not direction.startswith(TAKEOVER_PREFIX):
        return None
    side = TAKEOVER_SIDES.get(direction.rpartition(" ")[2])
    if side is None:
        raise EntryError(
            RejectReason.INVALID_SIDE,
            f"dir is {shown(direction)}, ending in neither Long nor Short.",
        )
    return fill_event(
        reading, fields, side, Completeness.BACKSTOP, Evidence.REPORTED, victim, liquidator
    )


def checked_method(liquidation: JsonObject) -> str:
    """How the position was closed.

    Raises:
        EntryError: unknown_message for an unknown method, missing_field for none.
    """
    method = text_field(liquidation, "method")
    if method not in METHODS:
        raise EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known liquidation has the method {shown(method)}."
        )
    return method


def read_node_fills(reading: Reading, message: Any) -> None:
    """Read a line of a node's fills, one [owner, fill] or a block, or a provider's message."""
    if type(message) is list:
        reading.entries([message], read_node_fill)
    elif type(message) is dict and "events" in message:
        reading.entries(array_field(message, "events"), read_node_fill)
    elif type(message) is not dict:
        raise unknown_message(message)
    elif is_provider_data(message):
        reading.entries(array_field(message, "fills"), read_node_fill)


def is_provider_data(message: JsonObject) -> bool:
    """Whether a provider's message holds fills; it is control otherwise.

    Raises:
        EntryError: unknown_message when it is neither.
    """
    kind = message.get("channel", message.get("type"))
    if kind == PROVIDER_CHANNEL:
        return True
    if type(kind) is str and kind in PROVIDER_CONTROL:
        return False
    raise unknown_message(message)


def read_node_fill(reading: Reading, owned_fill: Any) -> Liquidation | None:
    """Read one party's fill; one of the two parties' is the event."""
    if type(owned_fill) is not list or len(owned_fill) != 2:  # noqa: PLR2004 - owner and fill
        raise EntryError(RejectReason.MISSING_FIELD, "An entry is not an owner and a fill.")
    fields = row_object(owned_fill[1])
    if fields.get("liquidation") is None:
        return None
    liquidation = object_field(fields, "liquidation")
    method = checked_method(liquidation)
    victim = address(text_field(liquidation, "liquidatedUser"), "liquidatedUser")
    owner = address(text(owned_fill[0], "The owner"), "The owner")
    if method == BACKSTOP:
        return None if owner == victim else read_takeover(reading, fields, victim, owner)
    return read_closing_order(reading, fields, victim) if owner == victim else None


def read_closing_order(reading: Reading, fields: JsonObject, victim: str) -> Liquidation | None:
    """Read the liquidated account's own fill of the market order that closed its position."""
    direction = text_field(fields, "dir")
    if direction == AUTO_DELEVERAGING:
        return None
    side = liquidated_side(fields.get("side"), "side", VICTIM_ORDERS)
    if direction.startswith(CLOSING_PREFIXES):
        closed = TAKEOVER_SIDES.get(direction.rpartition(" ")[2])
        if closed is not side:
            raise EntryError(
                RejectReason.CONTRADICTORY_SIDE,
                f"The order closes a {side}, but dir is {shown(direction)}.",
            )
    return fill_event(reading, fields, side, Completeness.COMPLETE, Evidence.REPORTED, victim, None)


def read_trades(reading: Reading, message: Any) -> None:
    """Read a `trades` message."""
    if is_control(message, "trades"):
        return
    with_vault = [one for one in array_field(message, "data") if not is_between_others(one)]
    reading.entries(with_vault, read_trade)


def is_between_others(trade: Any) -> bool:
    """Whether a trade is well formed and without a vault, as nearly all are."""
    users = trade.get("users") if type(trade) is dict else None
    if type(users) is not list or len(users) != 2:  # noqa: PLR2004 - buyer and seller
        return False
    buyer, seller = users
    return (
        type(buyer) is str
        and type(seller) is str
        and buyer.lower() not in LIQUIDATOR_VAULTS
        and seller.lower() not in LIQUIDATOR_VAULTS
    )


def read_trade(reading: Reading, trade: Any) -> Liquidation | None:
    """Read one trade; only one between a liquidator vault and somebody else is an event."""
    fields: JsonObject = row_object(trade)
    users = array_field(fields, "users")
    if len(users) != 2 or type(users[0]) is not str or type(users[1]) is not str:  # noqa: PLR2004 - buyer and seller
        raise EntryError(RejectReason.MISSING_FIELD, "users does not name a buyer and a seller.")
    buyer, seller = users[0].lower(), users[1].lower()
    vault_buys, vault_sells = buyer in LIQUIDATOR_VAULTS, seller in LIQUIDATOR_VAULTS
    if vault_buys is vault_sells:
        return None
    vault, victim = (buyer, seller) if vault_buys else (seller, buyer)
    side = SIDE_WHEN_VAULT_BUYS if vault_buys else SIDE_WHEN_VAULT_BUYS.opposite
    return fill_event(
        reading,
        fields,
        side,
        Completeness.BACKSTOP,
        Evidence.INFERRED,
        address(victim, "users"),
        vault,
    )


def fill_event(  # noqa: PLR0913, PLR0917 - what the feeds say differently
    reading: Reading,
    fields: JsonObject,
    side: Side,
    completeness: Completeness,
    evidence: Evidence,
    victim: str,
    liquidator: str | None,
) -> Liquidation:
    """Build the event of a fill or trade, which share the fields needed."""
    coin, raw_price, raw_size, time, trade_id = take(fields, FILL_FIELDS)
    market = perpetual_market(text(coin, "coin"))
    timestamp_ms = timestamp(time, "time", reading.received_at_ms)
    if type(trade_id) is not int or not 0 <= trade_id <= MAX_TRADE_ID:
        raise EntryError(RejectReason.MISSING_FIELD, f"tid is {shown(trade_id)}, not a trade's id.")
    return reading.liquidation(
        market,
        reading.own_id(f"{timestamp_ms}|{coin}|{trade_id}"),
        side,
        positive_price(raw_price, "px"),
        positive_decimal(raw_size, "sz"),
        timestamp_ms,
        PriceKind.FILL,
        completeness,
        evidence,
        victim,
        liquidator,
    )


def is_control(message: Any, channel: str) -> bool:
    """Whether a message is a control frame and not of the channel.

    Raises:
        EntryError: unknown_message when it is neither.
    """
    if type(message) is not dict:
        raise unknown_message(message)
    actual = message.get("channel")
    if actual == channel:
        return False
    if type(actual) is str and actual in CONTROL_CHANNELS:
        return True
    raise unknown_message(message)


def address(text: str, name: str) -> str:
    """An account's address in lower case.

    Raises:
        EntryError: invalid_symbol.
    """
    if _ADDRESS.fullmatch(text) is None:
        raise EntryError(RejectReason.INVALID_SYMBOL, f"{name} is {shown(text)}, not an address.")
    return text.lower()


@lru_cache(maxsize=8192)
def perpetual_market(coin: str) -> Market:
    """Resolve BTC, kPEPE, or xyz:COIN of a builder-deployed exchange.

    Raises:
        EntryError: invalid_symbol, or unsupported_instrument for spot.
    """
    check_symbol(coin)
    if _SPOT.match(coin):
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT,
            f"{shown(coin)} is spot, which cannot be liquidated.",
        )
    asset = coin.rpartition(":")[2]
    base = _THOUSANDS.sub("1000", asset, count=1) if _THOUSANDS.match(asset) else asset
    return new_market(coin, base, QUOTE, settle=QUOTE, contract=ContractKind.LINEAR)


VENUE: Final = Venue(
    exchange="hyperliquid",
    feeds={
        "userFills": Feed(
            read=read_user_fills,
            publishes="takeovers by the liquidator vaults",
            completeness=Completeness.BACKSTOP,
            price_kind=PriceKind.FILL,
            long_when="`dir` ends in Long (the position's)",
            quantity="units of the base",
            identity=IDENTITY,
            breaks="a new vault is missed until it is named",
            unsettled="the list of vaults",
        ),
        "nodeFills": Feed(
            read=read_node_fills,
            publishes="every fill of a liquidated account",
            completeness=Completeness.COMPLETE,
            price_kind=PriceKind.FILL,
            long_when="`side` = A (the order's)",
            quantity="units of the base",
            identity=IDENTITY,
            unsettled="the shape of the lines",
        ),
        "trades": Feed(
            read=read_trades,
            publishes="trades with a liquidator vault; inferred, for research",
            completeness=Completeness.BACKSTOP,
            price_kind=PriceKind.FILL,
            long_when="a vault sells: a choice",
            quantity="units of the base",
            identity=IDENTITY,
            breaks="as `userFills`",
            unsettled="whether takeovers appear at all",
        ),
    },
)
