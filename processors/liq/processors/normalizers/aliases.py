"""One name for each asset for which venues or tokens use several.

A spelling is another name for the same underlying, valid at any time. A rename has a date. Events
before it keep the old name, as archives and other sources of that time have it. Events since then
have the new name, also on a venue that never renamed its contract. The date belongs to the token,
not to a venue. It is compared with the exchange time of the event, so that a replay produces the
same names.

The table has only renames at one to one: one POL has the value of one MATIC. XAUT and PAXG are
claims on an ounce with their own issuer and price, so neither is XAU. Aliases apply to `base` and
`symbol`, never to `native_symbol`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from liq.schemas.units import SECOND_MS


@dataclass(frozen=True, slots=True)
class Spelling:
    """Another name for an asset, valid at any time."""

    alias: str
    asset: str
    source: str
    read_on: str


@dataclass(frozen=True, slots=True)
class Rename:
    """The replacement of a token by another one, at one to one, on a day (UTC)."""

    old: str
    new: str
    since: date
    source: str

    @property
    def since_ms(self) -> int:
        """The first millisecond of the day (UTC)."""
        midnight = datetime.combine(self.since, time(), UTC)
        return int(midnight.timestamp()) * SECOND_MS


_KRAKEN_XSTOCKS: Final = (
    "Kraken's equity perpetuals, launch of 2026-02-24: each xStock is its share"
)
_METALS: Final = "ISO 4217; Binance lists the ounce by its code (notice of 2026-01-30)"
_OTHER_COIN: Final = "Binance's futures list; the plain name was another coin's or taken"

SPELLINGS: Final = (
    Spelling("XBT", "BTC", "ISO-like code of BitMEX and Kraken", "2026-07-09"),
    Spelling("GOLD", "XAU", _METALS, "2026-11-29"),
    Spelling("SILVER", "XAG", _METALS, "2026-11-29"),
    Spelling("PLATINUM", "XPT", _METALS, "2026-11-29"),
    Spelling("PALLADIUM", "XPD", _METALS, "2026-11-29"),
    Spelling("AAPLX", "AAPL", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("CRCLX", "CRCL", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("GLDX", "GLD", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("GOOGLX", "GOOGL", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("HOODX", "HOOD", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("MSTRX", "MSTR", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("NVDAX", "NVDA", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("QQQX", "QQQ", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("SPYX", "SPY", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("TSLAX", "TSLA", _KRAKEN_XSTOCKS, "2026-11-29"),
    Spelling("BEAMX", "BEAM", _OTHER_COIN, "2026-11-29"),
    Spelling("DODOX", "DODO", _OTHER_COIN, "2026-11-29"),
    Spelling("RONIN", "RON", _OTHER_COIN, "2026-11-29"),
)
RENAMES: Final = (
    Rename("RNDR", "RENDER", date(2024, 7, 26), "exchanges swapped RNDR for RENDER in 2024-07"),
    Rename(
        "MATIC",
        "POL",
        date(2024, 9, 4),
        "Polygon's migration; HTX and KuCoin delisted MATICUSDT on 2024-09-04, 08:00 UTC",
    ),
    Rename(
        "FTM",
        "S",
        date(2025, 1, 13),
        "Binance stopped FTM on 2025-01-13, 03:00 UTC and opened S on 2025-01-16, at one to one",
    ),
)
ASSET_OF: Final = {one.alias: one.asset for one in SPELLINGS}
RENAME_OF: Final = {one.old: one for one in RENAMES}
