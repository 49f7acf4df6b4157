"""Liquidations for tests of the cascade detector."""

from decimal import Decimal

from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, Evidence, PriceKind, Side

START_MS = 1_783_000_000_000


def liquidation(  # noqa: PLR0913 - each a property that some test varies
    event_id: str,
    at_ms: int,
    *,
    side: Side = Side.LONG,
    value_usd: str = "25000",
    price: str = "60000",
    exchange: str = "bybit",
    base: str = "BTC",
    received_at_ms: int | None = None,
) -> Liquidation:
    """Return a liquidation `at_ms` after `START_MS`, received 100 ms later by default."""
    timestamp_ms = START_MS + at_ms
    return Liquidation(
        event_id=event_id,
        exchange=exchange,
        symbol=f"{base}USDT",
        native_symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        settle="USDT",
        contract=ContractKind.LINEAR,
        side=side,
        price=Decimal(price),
        price_kind=PriceKind.BANKRUPTCY,
        quantity=Decimal(1),
        value_usd=Decimal(value_usd),
        timestamp_ms=timestamp_ms,
        received_at_ms=(
            timestamp_ms + 100 if received_at_ms is None else START_MS + received_at_ms
        ),
        completeness=Completeness.COMPLETE,
        evidence=Evidence.REPORTED,
        is_institutional=False,
        price_level=Decimal(price),
    )
