"""Plausible records of every kind for tests of the sink; they differ by `number`."""

from decimal import Decimal

from liq.schemas.records import (
    CascadeAlert,
    FeedStatus,
    Instrument,
    Liquidation,
    OpenPosition,
    Rejected,
    ScoreParts,
    Source,
)
from liq.schemas.vocabulary import (
    AlertType,
    Completeness,
    ContractKind,
    Evidence,
    FeedEvent,
    PriceKind,
    RejectReason,
    Scope,
    Side,
)

STARTED_AT_MS = 1_783_500_000_000


def liquidation(number: int = 0) -> Liquidation:
    return Liquidation(
        event_id=f"{number:032x}",
        exchange=("binance", "bybit", "okx")[number % 3],
        symbol=f"A{number % 17}USDT",
        native_symbol=f"A{number % 17}-USDT",
        base=f"A{number % 17}",
        quote="USDT",
        settle="USDT",
        contract=ContractKind.LINEAR,
        side=Side.LONG if number % 5 else Side.SHORT,
        price=Decimal(60_000 + number % 977) / 8,
        price_kind=PriceKind.BANKRUPTCY,
        quantity=Decimal("0.001"),
        value_usd=Decimal("0.000000000001") + number,
        timestamp_ms=STARTED_AT_MS + number * 250,
        received_at_ms=STARTED_AT_MS + number * 250 + 40,
        stamped_at_ms=STARTED_AT_MS + number * 250 + 3_600_040,
        completeness=Completeness.COMPLETE,
        evidence=Evidence.REPORTED,
        is_institutional=number % 7 == 0,
        price_level=Decimal(number % 9 * 100),
        source=Source("raw.okx", 1, number),
    )


def rejection(number: int = 0) -> Rejected:
    return Rejected(
        reason=RejectReason.NOT_JSON,
        detail="not JSON",
        exchange="okx",
        feed="orders",
        received_at_ms=STARTED_AT_MS,
        payload=b"\xff",
        source=Source("raw.okx", 0, number),
    )


def feed_status(number: int = 0) -> FeedStatus:
    return FeedStatus(
        exchange="okx",
        feed="orders",
        connection=f"c{number}",
        event=FeedEvent.GAP,
        timestamp_ms=STARTED_AT_MS + number,
        from_ms=STARTED_AT_MS,
        to_ms=STARTED_AT_MS + number,
        row_count=number,
        request_count=number + 1,
    )


def instrument(number: int = 0) -> Instrument:
    """Return one of eleven contracts; each publication is a newer version."""
    return Instrument(
        exchange="okx",
        native_symbol=f"A{number % 11}-USDT",
        base=f"A{number % 11}",
        quote="USDT",
        settle="USDT",
        contract=ContractKind.LINEAR,
        contract_size=Decimal(number + 1),
        as_of="2026-07-08",
    )


def open_position(number: int = 0) -> OpenPosition:
    """Return a position of a snapshot; each account has one."""
    return OpenPosition(
        position_id=f"position-{number}",
        exchange="orderly",
        symbol="ETHUSDT",
        native_symbol="PERP_ETH_USDC",
        base="ETH",
        side=Side.LONG,
        quantity=Decimal("0.5"),
        value_usd=Decimal(1250),
        mark_price=Decimal(2500),
        timestamp_ms=1_783_500_000_000,
    )


def alert(number: int = 0) -> CascadeAlert:
    """Return an alert; each cascade has seven alerts."""
    return CascadeAlert(
        alert_id=f"alert-{number}",
        cascade_id=f"cascade-{number // 280}",
        sequence=number // 40 % 7,
        type=AlertType.ESCALATED,
        scope=Scope.ASSET,
        asset=f"A{number // 280 % 17}",
        side=Side.LONG,
        started_at_ms=STARTED_AT_MS,
        timestamp_ms=STARTED_AT_MS + number,
        event_count=number,
        total_value_usd=Decimal("1234567.89"),
        long_ratio=0.75,
        exchanges=("binance", "okx"),
        symbols=("BTCUSDT",),
        risk_score=61.5,
        score_parts=ScoreParts(0.1, 0.2, 0.3, 0.4, 0.5),
        basic_risk_score=50.0,
        price_first=Decimal("61000.5"),
        price_last=Decimal(60000),
        largest_event_ids=("a", "b"),
        detector="test",
    )
