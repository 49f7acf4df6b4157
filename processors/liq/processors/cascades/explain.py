"""A cascade's record as a sentence for people."""

from decimal import Decimal

from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Caveat, Scope, Side

THOUSAND, MILLION = 1_000, 1_000_000
VERBS = {
    AlertType.WATCH: "watch",
    AlertType.DETECTED: "cascade started",
    AlertType.ESCALATED: "cascade escalated",
    AlertType.UPDATED: "cascade goes on",
    AlertType.ENDED: "cascade ended",
}
CAUSES = {
    Caveat.LOG_REPLACED: "its log was deleted, made again or cut off",
    Caveat.STATE_LOST: "what was known of it is lost",
    Caveat.DETECTOR_CHANGED: "the detector or its settings were changed",
}


def explain(alert: CascadeAlert, window_seconds: int) -> str:
    """Say what happened, how unusual it is and how one-sided, from the record's own numbers."""
    own_share = alert.long_ratio if alert.side is Side.LONG else 1 - alert.long_ratio
    until_ms = alert.timestamp_ms if alert.ended_at_ms is None else alert.ended_at_ms
    seconds = max(1, (until_ms - alert.started_at_ms) // SECOND_MS)
    if alert.type is AlertType.WATCH:
        seconds = window_seconds
    number = len(alert.exchanges)
    venues = f"{number} venue" + ("" if number == 1 else "s")
    if alert.scope is Scope.MARKET:
        venues += f" and {len(alert.symbols)} assets"
    times = f"{alert.analysis.times_normal:,.0f}x normal; " if alert.analysis else ""
    if alert.type is AlertType.ENDED:
        times = ""
    return (
        f"{_subject(alert)}, {VERBS[alert.type]} ({alert.level}, {alert.risk_score:.0f}): "
        f"{alert.event_count} liquidations, {dollars(alert.total_value_usd)} in {seconds} s "
        f"on {venues}; {times}{own_share:.0%} one-sided"
    )


def explain_link(child: CascadeAlert, parent_id: str) -> str:
    """Say which market cascade an asset's cascade is part of, and its numbers until then."""
    return (
        f"{_subject(child)}, part of the market cascade {parent_id} "
        f"({child.level}, {child.risk_score:.0f}): {child.event_count} liquidations, "
        f"{dollars(child.total_value_usd)} so far"
    )


def explain_early_end(ended: CascadeAlert, caveat: Caveat) -> str:
    """Say why nothing more is known of a cascade, and its numbers until then."""
    return (
        f"{_subject(ended)}, cascade ended early ({ended.level}, {ended.risk_score:.0f}), because "
        f"{CAUSES[caveat]}: {ended.event_count} liquidations, {dollars(ended.total_value_usd)} "
        "until then"
    )


def dollars(value_usd: Decimal) -> str:
    """Dollars to three digits, as people write them."""
    if value_usd >= MILLION:
        return f"${value_usd / MILLION:.2f}M"
    if value_usd >= THOUSAND:
        return f"${value_usd / THOUSAND:.0f}k"
    return f"${value_usd:.0f}"


def _subject(alert: CascadeAlert) -> str:
    side = "longs" if alert.side is Side.LONG else "shorts"
    return f"{'Market' if alert.scope is Scope.MARKET else alert.asset} {side}"
