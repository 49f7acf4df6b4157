"""A cascade's record as a sentence for human readers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Caveat, EndReason, PriceKind, Scope, Side

THOUSAND, MILLION = 1_000, 1_000_000
VERBS = {
    AlertType.WATCH: "watch",
    AlertType.DETECTED: "cascade started",
    AlertType.ESCALATED: "cascade escalated",
    AlertType.UPDATED: "cascade goes on",
    AlertType.ENDED: "cascade ended",
}
PRICES = {
    PriceKind.AVERAGE_FILL: "fills",
    PriceKind.FILL: "fills",
    PriceKind.MARK: "mark prices",
    PriceKind.ORDER: "order prices",
    PriceKind.BANKRUPTCY: "bankruptcy prices",
}
SHARES_NAMED = 3
CAUSES = {
    Caveat.LOG_REPLACED: "its log was deleted, made again or cut off",
    Caveat.STATE_LOST: "what was known of it is lost",
    Caveat.DETECTOR_CHANGED: "the detector or its settings were changed",
}


#: An end in silence needs no explanation.
END_REASONS: Final[Mapping[EndReason | None, tuple[str, ...]]] = {
    EndReason.LEVEL_SHIFT: ("this rate has become the usual one",),
    EndReason.TIME_LIMIT: ("no cascade is told for longer than an hour",),
}


def explain(alert: CascadeAlert, window_seconds: int) -> str:
    """Return a sentence from the record's numbers: what happened, how unusual, how one-sided."""
    own_share = alert.long_ratio if alert.side is Side.LONG else 1 - alert.long_ratio
    until_ms = alert.timestamp_ms if alert.ended_at_ms is None else alert.ended_at_ms
    until = datetime.fromtimestamp(until_ms // SECOND_MS, UTC)
    seconds = max(1, (until_ms - alert.started_at_ms) // SECOND_MS)
    if alert.type is AlertType.WATCH:
        seconds = window_seconds
    number = len(alert.exchanges)
    venues = f"{number} venue" + ("" if number == 1 else "s")
    if alert.scope is Scope.MARKET:
        venues += f" and {len(alert.symbols)} assets"
    total = f"{alert.event_count} liquidations, {dollars(alert.total_value_usd)}"
    parts = [
        f"{total} in {seconds} s on {venues}{_shares(alert)} until {until:%H:%M:%S} UTC",
        *_estimated(alert),
        *_pace(alert),
        *_price(alert),
        f"{own_share:.0%} one-sided",
        *([f"blind: {', '.join(alert.blind)}"] if alert.blind else []),
        *END_REASONS.get(alert.end_reason, ()),
    ]
    return (
        f"{_subject(alert)}, {VERBS[alert.type]} ({alert.level}, {alert.risk_score:.0f}): "
        f"{'; '.join(parts)}"
    )


def _estimated(alert: CascadeAlert) -> list[str]:
    found = alert.estimate
    if found is None:
        return []
    low, high = dollars(found.low_usd), dollars(found.high_usd)
    return [f"estimated {dollars(found.value_usd)} ({low} to {high})"]


def _shares(alert: CascadeAlert) -> str:
    if alert.analysis is None:
        return ""
    largest = alert.analysis.shares[:SHARES_NAMED]
    return f" ({', '.join(f'{share.name} {share.usd_share:.0%}' for share in largest)})"


def _pace(alert: CascadeAlert) -> list[str]:
    if alert.usd_per_second is None or alert.analysis is None or alert.type is AlertType.ENDED:
        return []
    times = alert.analysis.usd_times_normal
    return [f"{dollars(alert.usd_per_second)} a second, {times:,.0f} times the normal dollars"]


def _price(alert: CascadeAlert) -> list[str]:
    price = alert.price
    if price is None:
        return []
    source = f"{price.exchange} {PRICES[price.kind]}"
    return [f"price {price.now:,f}, {price.move_bps:+.0f} bp since the onset ({source})"]


def explain_link(child: CascadeAlert, parent_id: str) -> str:
    """Return a sentence with the parent of an asset's cascade, and its numbers so far."""
    return (
        f"{_subject(child)}, part of the market cascade {parent_id} "
        f"({child.level}, {child.risk_score:.0f}): {child.event_count} liquidations, "
        f"{dollars(child.total_value_usd)} so far"
    )


def explain_early_end(ended: CascadeAlert, caveat: Caveat) -> str:
    """Return a sentence with the reason of an early end, and the cascade's numbers until then."""
    return (
        f"{_subject(ended)}, cascade ended early ({ended.level}, {ended.risk_score:.0f}), because "
        f"{CAUSES[caveat]}: {ended.event_count} liquidations, {dollars(ended.total_value_usd)} "
        "until then"
    )


def dollars(value_usd: Decimal) -> str:
    """Format dollars: `$1.23M`, `$45k`, `$678`."""
    if value_usd >= MILLION:
        return f"${value_usd / MILLION:.2f}M"
    if value_usd >= THOUSAND:
        return f"${value_usd / THOUSAND:.0f}k"
    return f"${value_usd:.0f}"


def _subject(alert: CascadeAlert) -> str:
    side = "longs" if alert.side is Side.LONG else "shorts"
    return f"{'Market' if alert.scope is Scope.MARKET else alert.asset} {side}"
