"""Fills of Hyperliquid: which of them are liquidations, and whose positions they closed.

A fill belongs to an owner. Where one of the two parties was liquidated, both parties' fills have
`liquidation` with the victim, and the same trade id. Both fills give the same event. An order that
liquidates is the taker's; its `side` closes the position. A fill whose `dir`, `side` and `crossed`
do not fit its owner's part in that is rejected, because it could show the wrong side.
"""

from functools import lru_cache
from typing import Any, Final

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.fields import (
    JsonObject,
    liquidated_side,
    needed,
    object_field,
    row_object,
    take,
    text,
    text_field,
    timestamp,
)
from liq.processors.normalizers.hyperliquid_markets import perpetual_market
from liq.processors.normalizers.numbers import positive_decimal, positive_price
from liq.processors.normalizers.reading import Reading
from liq.schemas.hyperliquid import (
    LIQUIDATED,
    MAKERS_ORDER,
    MAX_JOIN_MS,
    MAX_TRADE_ID,
    NOBODY,
    account_of,
    transaction_of,
    victims_order,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import (
    Completeness,
    Evidence,
    PriceKind,
    RejectReason,
    Side,
)

BACKSTOP: Final = "backstop"
METHODS: Final = frozenset({BACKSTOP, "market"})
TAKEOVER_SIDES: Final = {"Long": Side.LONG, "Short": Side.SHORT}
AUTO_DELEVERAGING: Final = "Auto-Deleveraging"
VICTIM_ORDERS: Final = {"A": Side.LONG, "B": Side.SHORT}
MAKER_ORDERS: Final = {"A": Side.SHORT, "B": Side.LONG}
FILL_FIELDS: Final = needed("coin", "px", "sz", "time", "tid")
PAIR_LENGTH: Final = 2
ADDRESS_LENGTH: Final = 42


def liquidation_of(fields: JsonObject) -> JsonObject | None:
    """Return a fill's `liquidation` after a check of its method; None for a fill without one.

    Raises:
        EntryError: unknown_message for an unknown method, missing_field for a missing one.
    """
    if fields.get("liquidation") is None:
        return None
    liquidation = object_field(fields, "liquidation")
    method = text_field(liquidation, "method")
    if method not in METHODS:
        raise EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known liquidation has the method {shown(method)}."
        )
    return liquidation


def victim_of(liquidation: JsonObject) -> str:
    """Return the account that was liquidated.

    Raises:
        EntryError: invalid_symbol if the text is not an address, or the zero address.
    """
    victim = address(text_field(liquidation, "liquidatedUser"), "liquidatedUser")
    if victim == NOBODY:
        raise EntryError(RejectReason.INVALID_SYMBOL, "liquidatedUser is nobody's address.")
    return victim


def read_takeover(
    reading: Reading, fields: JsonObject, victim: str, liquidator: str | None
) -> Liquidation | None:
    """Read a party's fill of a takeover by the backstop; return None for an auto-deleveraging.

    `dir` names the position that is taken over. The victim's fill has no `liquidator`, and its side
    is that of an order which closes the position; the liquidator's fill has the other side.

    Raises:
        EntryError: contradictory_side if `side` does not fit `dir`, or invalid_side.
    """
    direction = text_field(fields, "dir")
    if not direction.startswith(LIQUIDATED):
        return None
    side = TAKEOVER_SIDES.get(direction.rpartition(" ")[2])
    if side is None:
        raise EntryError(
            RejectReason.INVALID_SIDE,
            f"dir is {shown(direction)}, ending in neither Long nor Short.",
        )
    orders = VICTIM_ORDERS if liquidator is None else MAKER_ORDERS
    if liquidated_side(fields.get("side"), "side", orders) is not side:
        raise EntryError(
            RejectReason.CONTRADICTORY_SIDE,
            f"side {shown(fields['side'])} with dir {shown(direction)} is not the "
            f"{'victim' if liquidator is None else 'liquidator'}'s side of a takeover.",
        )
    return fill_event(
        reading, fields, side, Completeness.BACKSTOP, Evidence.REPORTED, victim, liquidator
    )


def read_closing_order(
    reading: Reading, fields: JsonObject, victim: str, completeness: Completeness
) -> Liquidation | None:
    """Read the liquidated account's own fill of the market order that closed its position."""
    side = closing_side(fields)
    if side is None:
        return None
    return fill_event(reading, fields, side, completeness, Evidence.REPORTED, victim, None)


def closing_side(fields: JsonObject) -> Side | None:
    """Return the position that a liquidated account's own fill closes; None if deleveraged.

    The venue's order is a taker's, and it only closes (`liq.schemas.hyperliquid` has the sources).
    Reject a fill that opens or flips a position, settles it, or was a maker's: whatever its
    `liquidation` states, its side is not that of a liquidated position.

    Raises:
        EntryError: contradictory_side, or invalid_side.
    """
    direction = text_field(fields, "dir")
    if direction == AUTO_DELEVERAGING:
        return None
    side = liquidated_side(fields.get("side"), "side", VICTIM_ORDERS)
    if victims_order(direction) != fields["side"] or fields.get("crossed") is not True:
        raise EntryError(
            RejectReason.CONTRADICTORY_SIDE,
            f"side {shown(fields['side'])} with dir {shown(direction)} and crossed "
            f"{shown(fields.get('crossed'))} is no order that closes a liquidated position.",
        )
    return side


def read_joined_trade(
    reading: Reading, trade: Any, proof: JsonObject, owner: str
) -> Liquidation | None:
    """Read a public trade that was joined with a fill that proves its taker's liquidation.

    Check the proof as a fill of its own, and the join: coin, transaction and side are equal (a hash
    in any letter case), the times are at most ten seconds apart, and the victim is the taker.
    Return None for the proof's own trade: its fill gives the event.

    Raises:
        EntryError: not_a_liquidation where the two do not belong together, contradictory_side
            where the proof contradicts itself.
    """
    fields: JsonObject = row_object(trade)
    liquidation = liquidation_of(proof)
    if liquidation is None or liquidation["method"] == BACKSTOP:
        raise EntryError(RejectReason.NOT_A_LIQUIDATION, "The proof is no liquidation by order.")
    victim = victim_of(liquidation)
    side = closing_side(proof) if owner == victim else makers_side(proof)
    if side is None:
        raise EntryError(RejectReason.NOT_A_LIQUIDATION, "The proof is an auto-deleveraging.")
    users: Any = fields.get("users")
    is_pair = type(users) is list and len(users) == PAIR_LENGTH
    taker = users[fields.get("side") == "A"] if is_pair else None
    transaction = transaction_of(fields.get("hash"))
    belongs = (
        type(taker) is str
        and taker.lower() == victim
        and VICTIM_ORDERS.get(str(fields.get("side"))) is side
        and fields.get("coin") == proof.get("coin")
        and transaction is not None
        and transaction == transaction_of(proof.get("hash"))
        and _are_close(fields.get("time"), proof.get("time"))
    )
    if not belongs:
        raise EntryError(
            RejectReason.NOT_A_LIQUIDATION,
            "The trade is not of the order that its proof shows to be a liquidation.",
        )
    if fields.get("tid") == proof.get("tid"):
        return None
    fields = {**fields, "feeToken": proof.get("feeToken")}
    return fill_event(reading, fields, side, Completeness.SAMPLED, Evidence.INFERRED, victim, None)


def _are_close(time: Any, other: Any) -> bool:
    return type(time) is int and type(other) is int and abs(time - other) <= MAX_JOIN_MS


def read_makers_fill(
    reading: Reading, fields: JsonObject, victim: str, completeness: Completeness
) -> Liquidation | None:
    """Read a maker's fill against a liquidated account's market order."""
    side = makers_side(fields)
    if side is None:
        return None
    return fill_event(reading, fields, side, completeness, Evidence.REPORTED, victim, None)


def makers_side(fields: JsonObject) -> Side | None:
    """Return the position that a maker's fill shows to be liquidated; None if deleveraged.

    The victim's order has the other side. Reject a fill that contradicts itself: its `dir` does not
    match its `side`, or it is the taker's.

    Raises:
        EntryError: contradictory_side, or invalid_side.
    """
    direction = text_field(fields, "dir")
    if direction == AUTO_DELEVERAGING:
        return None
    side = liquidated_side(fields.get("side"), "side", MAKER_ORDERS)
    if MAKERS_ORDER.get(direction) != fields["side"] or fields.get("crossed") is not False:
        raise EntryError(
            RejectReason.CONTRADICTORY_SIDE,
            f"side {shown(fields['side'])} with dir {shown(direction)} and crossed "
            f"{shown(fields.get('crossed'))} is no maker's fill against a liquidation.",
        )
    return side


def preferred_fills(pairs: list[Any]) -> frozenset[tuple[Any, Any, Any]]:
    """Return the trades of which a message has the fill that gives the event.

    That is the liquidated account's fill of its market order, and the liquidator's of a takeover.
    A trade is its time, coin and trade id.
    """
    found = set()
    for pair in pairs:
        fields = pair[1] if type(pair) is list and len(pair) == PAIR_LENGTH else None
        liquidation = fields.get("liquidation") if type(fields) is dict else None
        if type(liquidation) is not dict:
            continue
        owner, victim = pair[0], liquidation.get("liquidatedUser")
        if type(victim) is not str or type(owner) is not str:
            continue
        is_takeover = liquidation.get("method") == BACKSTOP
        if (victim.lower() == owner.lower()) != is_takeover:
            found.add(trade_of(fields))
    return frozenset(found)


def trade_of(fields: Any) -> tuple[Any, Any, Any]:
    """Return the fields that both parties' fills of a trade share; None for an invalid one."""
    time, coin, trade_id = fields.get("time"), fields.get("coin"), fields.get("tid")
    return (
        time if type(time) is int else None,
        coin if type(coin) is str else None,
        trade_id if type(trade_id) is int else None,
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
    """Build the event of a fill or trade, which have the same required fields."""
    coin, raw_price, raw_size, time, trade_id = take(fields, FILL_FIELDS)
    token = fields.get("feeToken")
    market = perpetual_market(text(coin, "coin"), token if type(token) is str else "")
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


def address(text: str, name: str) -> str:
    """Return an account's address in lower case.

    Raises:
        EntryError: invalid_symbol if the text is not an address.
    """
    found = _lower_address(text) if len(text) == ADDRESS_LENGTH else None
    if found is None:
        raise EntryError(RejectReason.INVALID_SYMBOL, f"{name} is {shown(text)}, not an address.")
    return found


@lru_cache(maxsize=8192)
def _lower_address(text: str) -> str | None:
    """Return an address in lower case; the fills of a block name each account several times."""
    return NOBODY if text == NOBODY else account_of(text)
