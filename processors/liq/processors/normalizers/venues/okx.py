"""OKX: `liquidation-orders` of swaps and dated futures.

Sources: okx.com v5 documentation, "Liquidation orders channel" (versions of 2023 to 2026-07) and
"Get instruments"; a recorded message of 2023-03-30.

- `side` is the side of the forced order: sell closes a long. `posSide` long or short must agree
  with it, or the entry is rejected (`contradictory_side`); `net`, from accounts in one-way mode,
  says nothing, and certainly not short.
- `sz` counts contracts: times the contract value it is units of the base (linear: 0.01 BTC, 0.1
  ETH, 1 SOL, 100 XRP, 1000 DOGE of USDT swaps) or dollars (inverse: 100 for BTC-USD, 10 for most
  others). The contract value is metadata, the same for all contracts of a family.
- `bkPx` is the bankruptcy price; documentation of 2026-07 calls it the liquidation mark price.
  That is unsettled: it is labelled bankruptcy, and it is no fill either way.
- `ts` is in milliseconds, as a string. Entries come unordered and late; every entry of `data` and
  of `details` is read.
- The documentation says that not all liquidations are published, and not how many are left out.
  After a subscription an old message may be sent again; its ids are the same.
- `public/liquidation-orders` (REST, filled ones, a day deep) answers with the same entries, so that
  their ids are the same ("Get liquidation orders", read 2026).
- No id. MARGIN entries mean other things by the same names and are rejected
  (`unsupported_instrument`).
"""

from typing import Any, Final

from liq.processors.normalizers.kit import (
    ContractList,
    Contracts,
    EntryError,
    Feed,
    JsonObject,
    Reading,
    Venue,
    array_field,
    completion_of,
    from_okx,
    history_of,
    liquidated_side,
    needed,
    object_field,
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
from liq.schemas.vocabulary import Completeness, PriceKind, RejectReason, Side

LIQUIDATED: Final = {"sell": Side.LONG, "buy": Side.SHORT}
COMPLETENESS: Final = Completeness.SAMPLED
POSITIONS: Final = {"long": Side.LONG, "short": Side.SHORT, "net": None}
INSTRUMENT_FIELDS: Final = needed("instId", "instType")
DETAIL_FIELDS: Final = needed("side", "posSide", "bkPx", "sz", "ts")
CONTRACT_TYPES: Final = frozenset({"SWAP", "FUTURES"})
PRICE_KIND: Final = PriceKind.BANKRUPTCY
INSTRUMENTS: Final = "https://www.okx.com/api/v5/public/instruments"


def read_public(reading: Reading, message: Any) -> None:
    """Read a message of the channel, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    if "data" not in message:
        if type(message.get("event")) is str:
            return
        raise unknown_message(message)
    if object_field(message, "arg").get("channel") != "liquidation-orders":
        raise unknown_message(message)
    read_instruments(reading, message)


def read_history(reading: Reading, message: Any) -> None:
    """Read an answer of `public/liquidation-orders`, whose entries are the channel's."""
    if type(message) is not dict or message.get("code") != "0":
        raise unknown_message(message)
    read_instruments(reading, message)


def read_instruments(reading: Reading, message: JsonObject) -> None:
    """Read every entry of every instrument of `data`."""
    for instrument in array_field(message, "data"):
        try:
            fields = row_object(instrument)
            details = array_field(fields, "details")
        except EntryError as error:
            reading.reject(error)
            continue
        reading.entries(details, read_detail, fields)


def read_detail(reading: Reading, detail: Any, instrument: JsonObject) -> Liquidation:
    """Read one liquidation of an instrument."""
    symbol, instrument_type = take(instrument, INSTRUMENT_FIELDS)
    if text(instrument_type, "instType") not in CONTRACT_TYPES:
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT,
            f"The instrument's type is {shown(instrument_type)}, not SWAP or FUTURES.",
        )
    raw_side, position, raw_price, raw_size, time = take(row_object(detail), DETAIL_FIELDS)
    timestamp_ms = timestamp(time, "ts", reading.received_at_ms)
    # Sizes change, and entries may be read late, from archives years later.
    market = reading.contract(text(symbol, "instId"), family_of, timestamp_ms)
    side = liquidated_side(raw_side, "side", LIQUIDATED)
    check_position(text(position, "posSide"), side)
    price = positive_price(raw_price, "bkPx")
    size = positive_decimal(raw_size, "sz")
    return reading.liquidation(
        market,
        reading.row_id(f"{symbol}|{raw_side}|{position}|{raw_price}|{raw_size}|{timestamp_ms}"),
        side,
        price,
        size,
        timestamp_ms,
        PRICE_KIND,
        COMPLETENESS,
    )


def check_position(position: str, side: Side) -> None:
    """Check `posSide` against the position that the forced order closed.

    Raises:
        EntryError: invalid_side for an unknown word, contradictory_side when the two disagree.
    """
    if position not in POSITIONS:
        raise EntryError(
            RejectReason.INVALID_SIDE, f"posSide is {shown(position)}, not long, short or net."
        )
    stated = POSITIONS[position]
    if stated is not None and stated is not side:
        raise EntryError(
            RejectReason.CONTRADICTORY_SIDE,
            f"The order closes a {side}, but posSide is {position}.",
        )


def family_of(symbol: str) -> str:
    """Return the venue's `instFamily`: BTC-USDT of BTC-USDT-SWAP and of BTC-USDT-261225.

    Its contracts have one size: 0 exceptions in the recorded lists of 2021 to 2023
    (bmoscon/cryptofeed, `sample_data`). X-Perps are families of their own.
    """
    return symbol.rpartition("-")[0] or symbol


PUBLIC: Final = Feed(
    read=read_public,
    publishes="forced orders of swaps and futures",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`side` = sell (the order's)",
    quantity="contracts",
    breaks="2026-07: the documentation gives the price another name",
    unsettled="what `bkPx` is; how much is left out",
)
HISTORY: Final = history_of(PUBLIC, read_history, unsettled="as the live feed")
VENUE: Final = Venue(
    exchange="okx",
    feeds={
        "public": PUBLIC,
        "public-history": HISTORY,
        "public-completion": completion_of(HISTORY),
    },
    control_texts=frozenset({b"ping", b"pong"}),
    contracts=Contracts(
        listed_by=(
            ContractList(
                setting="OKX_SWAP_CONTRACTS_URL",
                address=f"{INSTRUMENTS}?instType=SWAP",
                parse=from_okx,
                lists=lambda contract: contract.native_symbol.endswith("-SWAP"),
            ),
            ContractList(
                setting="OKX_FUTURES_CONTRACTS_URL",
                address=f"{INSTRUMENTS}?instType=FUTURES",
                parse=from_okx,
                lists=lambda contract: not contract.native_symbol.endswith("-SWAP"),
            ),
        ),
        family_of=family_of,
        sources={
            "2022-05-31": "bmoscon/cryptofeed, `sample_data/OKX.0`, the venue's list of 2022-05; "
            "the day on which ZEC-USDT-SWAP changed is not known, 2023-01-01 is assumed",
            "2022-06-30": "crypto-crawler-rs, `okx.rs`: `ctVal` of `public/instruments`",
            "2023-03-30": "the recorded message of that contract, by the rule for inverse ones",
            "2026-03-31": "a public trading engine's table of the hundred most traded swaps, "
            "fetched from `public/instruments`; dated by the contracts that it holds; equal to the "
            "lists of 2022 and 2026-07 wherever they overlap",
            "2026-07-12": "okx.com v5 documentation of 2026-07, and the recordings of 2026-07",
        },
    ),
)
