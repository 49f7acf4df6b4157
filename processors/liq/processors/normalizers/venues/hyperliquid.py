"""Hyperliquid: fills of the liquidator vaults, a node's fills, and public trades with a vault.

Sources: hyperliquid.gitbook.io, "Liquidations" and the websocket pages (read 2026); recorded fills
of the liquidator vaults of 2025-10 and 2026-08; HLP's list of vaults (2026); the README of
hyperliquid-dex/node for its files.

There is no public feed of liquidations. Most are market orders on the book, which nothing public
marks; the backstop, which hands a position to a vault, was about 1 % of the liquidation fills of a
year, and the tail that matters in a crash. Both parties' fills of a liquidation carry `liquidation`
with the victim, and one trade id.

`userFills` of an account (evidence: reported). A takeover by a vault carries `liquidation.method`
"backstop" and a `dir` such as "Liquidated Cross Long", which names the side of the victim, not the
vault's; the vault's `side` must be B (bought) for a long. The vault's later unwinding carries no
`liquidation`; an auto-deleveraging says so in `dir`, and its counterparty won. Neither is a
liquidation. With the method "market" the account was liquidated itself, and the fill's `side` is
that of the closing order: A (sold) closes a long; or it was the maker against somebody's closing
order, which has the other side (completeness: sampled). The closing order's `dir` must be a close
of that side ("Close Long", "Liquidated Cross Long"), and `crossed` true: the order is a taker's and
opens nothing, so a fill that opens, flips ("Long > Short") or settles a position is rejected.
Market makers' fills have `liquidation`: 328 of 8,000 of four active ones (2026-08). Of a maker's
fill `dir` and `side` must agree, and `crossed` be false, or it is rejected. Fills of an
`isSnapshot` message are history, and are given all the same: their ids are the venue's own, so a
repeat is recognized downstream, and they may fill a gap. One that is over an hour old is
`backfilled`: a newly followed account's old fills are no news. `userFills-history` is the same
fills out of REST's `userFillsByTime`, an array without the account, which is the request's.

`nodeFills` are the fills that a node of one's own writes, of all accounts (evidence: reported,
complete): a line of `node_fills`, which is [owner, fill], or one of `node_fills_by_block`, with an
array of them as `events`. Of a liquidation by market order the fill of `liquidatedUser` is the
event, and `dir` must agree. Of a takeover it is the liquidator's, read as in `userFills`: the two
feeds give one id, and whichever arrives first, the event is the same, completeness "backstop"
included. An auto-deleveraging gives nothing. The shape of the lines is taken from descriptions, not
from recordings. A fill that is over an hour old when it is received is `backfilled`, as in a
snapshot: a node or producer that catches up reads a backlog, which is no news. The same holds for
the providers' streams.

`goldrush` and `hydromancer` are streams of providers, with the same pairs as `fills` of a message
whose `channel` or `type` is liquidationFills (their documentation of 2026-07 and 2026-09). Whether
both parties' fills come is not said. Of a market order the maker's fill is read where the message
has not the victim's, and of a takeover the victim's where it has not the liquidator's.

`joinedTrades` (evidence: inferred, sampled) are public trades which the producer found to be of
one order with a followed account's fill that carries `liquidation`: coin, hash, side and taker are
the same. The message holds the proof and the trades as they came, and the join is checked here.

`trades` (evidence: inferred). `users` is [buyer, seller]. A vault among them may be a takeover or
an unwinding, which have opposite meanings and look alike; SIDE_WHEN_VAULT_BUYS is a choice, not a
fact: it fits unwindings, in which nobody is liquidated, while recorded takeovers show a buying
vault for a liquidated long. The counterparty is named as the liquidated user. Use the feed for
research. Whether takeovers are published as trades at all is unsettled; where one is, it has the id
of the vault's fill, since both sides of a trade share `tid`: run one of the two feeds.

Prices are fills (in a takeover the transfer price, which can be far from the market), sizes are
units of the base, and `time` is the block's in milliseconds. kPEPE is a thousand PEPE. `xyz:CRWV`
is a market of a builder-deployed exchange, in its deployer's collateral: `feeToken` of a fill, or
what is known of the exchange (xyz: USDC, flx: USDH); without either, or with a `feeToken` that is
not known to be a dollar, it is `unsupported_quote`.
`xyz:JPY`, near 158, is the number USD/JPY paid in dollars, and its asset USDJPY. `@107` and
PURR/USDC are spot, which cannot be liquidated.
"""

from dataclasses import replace
from typing import Any, Final

from liq.processors.normalizers.hyperliquid_fills import (
    BACKSTOP,
    PAIR_LENGTH,
    address,
    fill_event,
    liquidation_of,
    preferred_fills,
    read_closing_order,
    read_joined_trade,
    read_makers_fill,
    read_takeover,
    trade_of,
    victim_of,
)
from liq.processors.normalizers.kit import (
    EntryError,
    Feed,
    JsonObject,
    Reading,
    Venue,
    array_field,
    history_of,
    object_field,
    row_object,
    text,
    text_field,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.units import HOUR_MS
from liq.schemas.vocabulary import (
    Arrival,
    Completeness,
    Evidence,
    PriceKind,
    RejectReason,
    Side,
)

# The five liquidators of HLP, which take positions over (vaultDetails of HLP, 2026). HLP's market
# making vaults are not listed: they trade with all accounts.
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

CONTROL_CHANNELS: Final = frozenset({"subscriptionResponse", "pong", "error"})
PROVIDER_CHANNEL: Final = "liquidationFills"
PROVIDER_CONTROL: Final = CONTROL_CHANNELS | {
    "connected",
    "ping",
    "reconnected",
    "subscriptionUpdate",
    "unsubscribed",
}
IDENTITY: Final = "time, coin, tid"


def read_user_fills(reading: Reading, message: Any) -> None:
    """Read a `userFills` message of a followed address."""
    if is_control(message, "userFills"):
        return
    data = object_field(message, "data")
    owner = address(text_field(data, "user"), "user")
    read = read_old_fill if data.get("isSnapshot") is True else read_fill
    reading.entries(array_field(data, "fills"), read, owner)


def read_history(reading: Reading, message: Any) -> None:
    """Read an answer of `userFillsByTime`: an array of the fills of the requested account."""
    if type(message) is not list:
        raise unknown_message(message)
    reading.entries(message, read_fill, address(reading.subject, "The subject"))


def read_old_fill(reading: Reading, fill: Any, owner: str) -> Liquidation | None:
    """Read one fill of a snapshot; a fill that is over an hour old arrives as history."""
    return as_history(reading, read_fill(reading, fill, owner))


def as_history(reading: Reading, event: Liquidation | None) -> Liquidation | None:
    """Return a live event of a fill that was over an hour old when received as `backfilled`."""
    if event is None or event.arrival is not Arrival.LIVE:
        return event
    is_old = reading.received_at_ms - event.timestamp_ms > HOUR_MS
    return replace(event, arrival=Arrival.BACKFILLED) if is_old else event


def read_fill(reading: Reading, fill: Any, owner: str) -> Liquidation | None:
    """Read one fill of a followed account."""
    fields: JsonObject = row_object(fill)
    liquidation = liquidation_of(fields)
    if liquidation is None:
        return None
    victim = victim_of(liquidation)
    if liquidation["method"] == BACKSTOP:
        return read_takeover(reading, fields, victim, None if owner == victim else owner)
    read = read_closing_order if owner == victim else read_makers_fill
    return read(reading, fields, victim, Completeness.SAMPLED)


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
        reading.entries(pairs, read_either_fill, preferred_fills(pairs))


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
    return as_history(reading, read_party(reading, owned_fill, None))


def read_either_fill(
    reading: Reading, owned_fill: Any, preferred: frozenset[tuple[Any, Any, Any]]
) -> Liquidation | None:
    """Read one party's fill; the other party's only if its trade is not among the `preferred`."""
    return as_history(reading, read_party(reading, owned_fill, preferred))


def read_party(
    reading: Reading, owned_fill: Any, preferred: frozenset[tuple[Any, Any, Any]] | None
) -> Liquidation | None:
    """Read one party's fill; without `preferred`, only the party's whose fill gives the event."""
    if type(owned_fill) is not list or len(owned_fill) != PAIR_LENGTH:
        raise EntryError(RejectReason.MISSING_FIELD, "An entry is not an owner and a fill.")
    fields = row_object(owned_fill[1])
    liquidation = liquidation_of(fields)
    if liquidation is None:
        return None
    victim = victim_of(liquidation)
    owner = address(text(owned_fill[0], "The owner"), "The owner")
    is_takeover = liquidation["method"] == BACKSTOP
    is_preferred = (owner == victim) != is_takeover
    if not is_preferred and (preferred is None or trade_of(fields) in preferred):
        return None
    if is_takeover:
        return read_takeover(reading, fields, victim, None if owner == victim else owner)
    read = read_closing_order if owner == victim else read_makers_fill
    return read(reading, fields, victim, Completeness.COMPLETE)


def read_joined(reading: Reading, message: Any) -> None:
    """Read trades that the producer joined with a followed account's fill."""
    if type(message) is not dict:
        raise unknown_message(message)
    owner = address(text_field(message, "owner"), "owner")
    proof = object_field(message, "proof")
    reading.entries(array_field(message, "trades"), read_joined_trade, proof, owner)


def read_trades(reading: Reading, message: Any) -> None:
    """Read a `trades` message."""
    if is_control(message, "trades"):
        return
    with_vault = [one for one in array_field(message, "data") if not is_between_others(one)]
    reading.entries(with_vault, read_trade)


def is_between_others(trade: Any) -> bool:
    """Return whether a trade is well formed and without a vault, as nearly all are."""
    users = trade.get("users") if type(trade) is dict else None
    if type(users) is not list or len(users) != PAIR_LENGTH:
        return False
    buyer, seller = users
    return (
        type(buyer) is str
        and type(seller) is str
        and buyer.lower() not in LIQUIDATOR_VAULTS
        and seller.lower() not in LIQUIDATOR_VAULTS
    )


def read_trade(reading: Reading, trade: Any) -> Liquidation | None:
    """Read one trade; it gives an event only if exactly one party is a liquidator vault."""
    fields: JsonObject = row_object(trade)
    users = array_field(fields, "users")
    if len(users) != PAIR_LENGTH or type(users[0]) is not str or type(users[1]) is not str:
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


def is_control(message: Any, channel: str) -> bool:
    """Return whether a message is a control frame; False if it is of the channel.

    Raises:
        EntryError: unknown_message if it is neither.
    """
    if type(message) is not dict:
        raise unknown_message(message)
    actual = message.get("channel")
    if actual == channel:
        return False
    if type(actual) is str and actual in CONTROL_CHANNELS:
        return True
    raise unknown_message(message)


PROVIDER: Final = Feed(
    read=read_provider,
    publishes="every fill of a liquidated account, by a provider",
    completeness=Completeness.COMPLETE,
    price_kind=PriceKind.FILL,
    long_when="`side` = A (the order's)",
    quantity="units of the base",
    identity=IDENTITY,
    unsettled="whether both parties' fills come",
)
USER_FILLS: Final = Feed(
    read=read_user_fills,
    publishes="takeovers by the vaults; and of followed accounts, sampled, the rest",
    completeness=Completeness.BACKSTOP,
    price_kind=PriceKind.FILL,
    long_when="`dir` ends in Long (the position's); a maker's `side` = B",
    quantity="units of the base",
    identity=IDENTITY,
    breaks="a new vault is missed until it is named",
    unsettled="the list of vaults",
)
VENUE: Final = Venue(
    exchange="hyperliquid",
    feeds={
        "userFills": USER_FILLS,
        "userFills-history": history_of(USER_FILLS, read_history),
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
        "goldrush": PROVIDER,
        "hydromancer": PROVIDER,
        "tape": Feed(
            read=read_trades,
            publishes="as `trades`; live it is joined, and goes to no normalizer",
            completeness=Completeness.BACKSTOP,
            price_kind=PriceKind.FILL,
            long_when="as `trades`",
            quantity="units of the base",
            identity=IDENTITY,
        ),
        "joinedTrades": Feed(
            read=read_joined,
            publishes="the rest of liquidations that a followed account's fill proves",
            completeness=Completeness.SAMPLED,
            price_kind=PriceKind.FILL,
            long_when="the victim sold",
            quantity="units of the base",
            identity=IDENTITY,
            unsettled="whether liquidations' hashes are their own",
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
