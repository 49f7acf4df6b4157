"""HTX: `public.*.liquidation_orders` of linear swaps, coin-margined swaps and coin futures.

Sources: HTX documentation of the three notification sockets, "Subscribe Liquidation Order Data"
(read 2026); recorded messages of 2020 (BTC-USDT, BTC200703).

- `direction` is documented as long or short but holds buy or sell, with `offset` close (or both,
  in one-way mode): the forced order's side. sell closes a long.
- Linear contracts: `amount` is in units of the base; old messages without it have only `volume`,
  whose contracts are metadata. Coin-margined ones: `volume` counts contracts of 100 dollars (BTC)
  or usually 10, by the metadata; their `amount` is a rounded quotient and not used.
- `price` is the bankruptcy price. `created_at` is in milliseconds.
- Whether all orders are published is not documented: they are labelled sampled (COMPLETENESS),
  which claims less.
- Coin futures get new symbols every week, of the size that the coin's other contracts have.
- v3 of REST (`swap_liquidation_orders`, `contract_liquidation_orders`) answers with the same rows;
  the recorded sockets write sizes with a decimal point, as it does, so that ids are the same.
- No id. The sockets send gzip; frames are read here as unpacked by the producer.
"""

import re
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Final

from liq.processors.normalizers.kit import (
    ContractList,
    Contracts,
    EntryError,
    Feed,
    JsonObject,
    Market,
    Reading,
    Venue,
    array_field,
    check_symbol,
    from_htx,
    history_of,
    liquidated_side,
    needed,
    new_market,
    positive_decimal,
    positive_price,
    row_object,
    shown,
    take,
    text,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, RejectReason, Side

EXCHANGE: Final = "htx"
LIQUIDATED: Final = {"sell": Side.LONG, "buy": Side.SHORT}
PRICE_KIND: Final = PriceKind.BANKRUPTCY
CLOSING_OFFSETS: Final = frozenset({"close", "both"})
CONTROL_OPERATIONS: Final = frozenset({"ping", "pong", "sub", "unsub", "auth", "error", "close"})
TOPIC_END: Final = ".liquidation_orders"
COMPLETENESS: Final = Completeness.SAMPLED
ORDER_FIELDS: Final = needed(
    "contract_code", "direction", "offset", "volume", "price", "created_at"
)
REST: Final = "https://api.hbdm.com"

_DATED = re.compile(r"(?P<base>[A-Z0-9]{1,20}?)(?:-(?P<quote>[A-Z]{1,10})-)?[0-9]{6}", re.ASCII)
_LINEAR = re.compile(r"(?P<base>[^-]+)-(?P<quote>[A-Z0-9]{1,10})(?:-[0-9]{6})?")


def read_notification(contract: ContractKind, reading: Reading, message: Any) -> None:
    """Read a notification, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    operation = message.get("op")
    if operation != "notify":
        if type(operation) is str and operation in CONTROL_OPERATIONS:
            return
        raise unknown_message(message)
    topic = message.get("topic")
    if type(topic) is not str or not topic.endswith(TOPIC_END):
        raise unknown_message(message)
    reading.entries(array_field(message, "data"), read_order, contract)


def read_history(contract: ContractKind, reading: Reading, message: Any) -> None:
    """Read an answer of v3 `liquidation_orders`, whose rows are the notification's."""
    reading.entries(array_field(row_object(message), "data"), read_order, contract)


def read_order(reading: Reading, order: Any, contract: ContractKind) -> Liquidation:
    """Read one forced order."""
    fields: JsonObject = row_object(order)
    code, direction, offset, volume, raw_price, time = take(fields, ORDER_FIELDS)
    symbol = text(code, "contract_code")
    side = liquidated_side(direction, "direction", LIQUIDATED)
    if text(offset, "offset") not in CLOSING_OFFSETS:
        raise EntryError(
            RejectReason.INVALID_SIDE, f"offset is {shown(offset)}, which closes no position."
        )
    amount = fields.get("amount")
    if amount is not None and contract is ContractKind.LINEAR:
        market, size = linear_market(symbol), positive_decimal(amount, "amount")
    else:
        market = reading.contract(symbol, family_of)
        size = positive_decimal(volume, "volume")
    timestamp_ms = timestamp(time, "created_at", reading.received_at_ms)
    return reading.liquidation(
        market,
        reading.row_id(f"{symbol}|{direction}|{raw_price}|{volume}|{timestamp_ms}"),
        side,
        positive_price(raw_price, "price"),
        size,
        timestamp_ms,
        PRICE_KIND,
        COMPLETENESS,
    )


@lru_cache(maxsize=8192)
def linear_market(symbol: str) -> Market:
    """Resolve BTC-USDT, or BTC-USDT-210625 with a delivery date.

    Raises:
        EntryError: invalid_symbol or unsupported_quote.
    """
    match = _LINEAR.fullmatch(check_symbol(symbol))
    if match is None:
        raise EntryError(RejectReason.INVALID_SYMBOL, f"{shown(symbol)} names no base and quote.")
    base, quote = match["base"], match["quote"]
    return new_market(symbol, base, quote, settle=quote, contract=ContractKind.LINEAR)


def family_of(symbol: str) -> str:
    """Return the perpetual of a dated contract: BTC-USD of BTC200925, BTC-USDT of BTC-USDT-210625.

    Coin-margined swaps and futures have the same size: 100 dollars for BTC, 10 for others in all
    recorded lists (bmoscon/cryptofeed, `sample_data`, 2021 to 2023).
    """
    match = _DATED.fullmatch(symbol)
    if match is None:
        return symbol
    return f"{match['base']}-{match['quote'] or 'USD'}"


def _feed(contract: ContractKind, publishes: str, *, quantity: str) -> Feed:
    return Feed(
        read=partial(read_notification, contract),
        publishes=publishes,
        completeness=COMPLETENESS,
        price_kind=PRICE_KIND,
        long_when="`direction` = sell (the order's)",
        quantity=quantity,
        unsettled="completeness",
    )


LINEAR: Final = replace(
    _feed(ContractKind.LINEAR, "forced orders of USDT contracts", quantity="units of the base"),
    breaks="`amount` was missing in old messages",
)
INVERSE: Final = _feed(
    ContractKind.INVERSE, "forced orders of coin-margined swaps", quantity="contracts"
)
FUTURES: Final = _feed(
    ContractKind.INVERSE, "forced orders of coin-margined futures", quantity="contracts"
)
PAST_LINEAR: Final = partial(read_history, ContractKind.LINEAR)
PAST_INVERSE: Final = partial(read_history, ContractKind.INVERSE)
VENUE: Final = Venue(
    exchange=EXCHANGE,
    feeds={
        "linear": LINEAR,
        "inverse": INVERSE,
        "futures": FUTURES,
        "linear-history": history_of(LINEAR, PAST_LINEAR, unsettled="completeness"),
        "inverse-history": history_of(INVERSE, PAST_INVERSE, unsettled="completeness"),
        "futures-history": history_of(FUTURES, PAST_INVERSE, unsettled="completeness"),
    },
    contracts=Contracts(
        listed_by=(
            ContractList(
                setting="HTX_LINEAR_CONTRACTS_URL",
                address=f"{REST}/linear-swap-api/v1/swap_contract_info?business_type=all",
                parse=from_htx,
                lists=lambda contract: contract.contract is ContractKind.LINEAR,
            ),
            ContractList(
                setting="HTX_INVERSE_CONTRACTS_URL",
                address=f"{REST}/swap-api/v1/swap_contract_info",
                parse=from_htx,
                lists=lambda contract: contract.native_symbol.endswith("-USD"),
            ),
            ContractList(
                setting="HTX_FUTURES_CONTRACTS_URL",
                address=f"{REST}/api/v1/contract_contract_info",
                parse=from_htx,
                lists=lambda contract: "-" not in contract.native_symbol,
            ),
        ),
        family_of=family_of,
        sources={
            "2022-06-30": "crypto-crawler-rs, `huobi.rs`: `contract_size` of `swap_contract_info`",
            "2025-06-30": "ccxt's recorded markets (`htx.json`) and the venue's rule: "
            "100 dollars for BTC, 10 for others",
        },
    ),
)
