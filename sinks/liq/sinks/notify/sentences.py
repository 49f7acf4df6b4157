"""Sentences about notices. Every external name passes through `inert` first."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from liq.schemas.records import CascadeAlert, FeedStatus, Liquidation
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Scope, Side
from liq.sinks.notify.inert import inert
from liq.sinks.notify.notices import Condition, DetectorReport, Notice, ReceiverReport
from liq.sinks.notify.rules import CASCADE_ID

THOUSAND, MILLION, BILLION = Decimal(1_000), Decimal(1_000_000), Decimal(1_000_000_000)
#: Names in a sentence's list; a number stands for the rest.
MAX_NAMES: Final = 8
STEPS: Final = {
    AlertType.WATCH: "early sign of a cascade",
    AlertType.DETECTED: "cascade started",
    AlertType.ESCALATED: "cascade escalated",
    AlertType.UPDATED: "cascade goes on",
    AlertType.ENDED: "cascade ended",
    AlertType.LINKED: "now part of a market cascade",
}


def names_of(
    notice: Notice, *, rule: str, link: str, folded: Sequence[CascadeAlert] = ()
) -> Mapping[str, str]:
    """Return the values of a template's names, neutralized for any display."""
    record = notice.record
    values = {
        "sentence": sentence(notice),
        "subject": subject(notice),
        "type": notice.type,
        "level": "" if notice.level is None else notice.level.value,
        "side": "" if notice.side is None else notice.side.lower(),
        "time": clock_time(notice.timestamp_ms),
        "folded": folded_sentence(folded),
        "link": link_of(notice, link),
        "rule": rule,
    }
    if isinstance(record, CascadeAlert):
        values |= {
            "asset": inert(record.asset),
            "risk": f"{record.risk_score:.0f}",
            "dollars": dollars(record.total_value_usd),
            "count": str(record.event_count),
            "seconds": str(_seconds(record)),
            "price": price_sentence(record),
            "venues": names(record.exchanges),
        }
    elif isinstance(record, Liquidation):
        values |= {
            "asset": inert(record.base),
            "dollars": dollars(record.value_usd),
            "count": "1",
            "price": number(record.price),
            "venues": inert(record.exchange),
        }
    elif isinstance(record, FeedStatus):
        values["venues"] = inert(record.exchange)
    return values


def sentence(notice: Notice) -> str:
    """Return one or two sentences that describe a notice."""
    match notice.record:
        case CascadeAlert() as alert:
            return _of_alert(alert)
        case Liquidation() as event:
            return (
                f"{inert(event.base)} {_side(event.side)} liquidated: {dollars(event.value_usd)} "
                f"at {number(event.price)} on {inert(event.exchange)}."
            )
        case FeedStatus() as status:
            return _of_feed(status)
        case DetectorReport() as report:
            return _of_detector(report)
        case ReceiverReport() as disabled:
            return _of_receiver(disabled)


def subject(notice: Notice) -> str:
    """Return a short headline: subject and event."""
    record = notice.record
    match record:
        case CascadeAlert():
            return f"{_who(record)}: {STEPS[record.type]} ({record.level})"
        case Liquidation():
            return (
                f"{inert(record.base)} {_side(record.side)}: {dollars(record.value_usd)} liquidated"
            )
        case FeedStatus():
            return f"{inert(record.exchange)} {inert(record.feed)}: {record.event}"
        case DetectorReport():
            return f"Detection: {record.condition}"
        case ReceiverReport():
            return f"Receiver {inert(record.name)}: disabled"


def link_of(notice: Notice, link: str) -> str:
    """Return the address of a cascade's page; empty without a page."""
    if notice.cascade_id is None or not link:
        return ""
    return link.replace(CASCADE_ID, quote(notice.cascade_id, safe=""))


def folded_sentence(folded: Sequence[CascadeAlert]) -> str:
    """Return a sentence with the assets whose alerts are folded; empty without any."""
    if not folded:
        return ""
    return f"With it: {names([f'{alert.asset} {_side(alert.side)}' for alert in folded])}."


def price_sentence(alert: CascadeAlert) -> str:
    """Return the price's move; empty without two comparable prices."""
    if alert.price is None:
        return ""
    first, last = alert.price.first, alert.price.now
    if first <= 0 or last <= 0:
        return ""
    return f"{number(first)} to {number(last)} ({(last - first) / first:+.2%})"


def dollars(value_usd: Decimal) -> str:
    """Format dollars: `$1.23B`, `$1.23M`, `$45k`, `$678`."""
    for unit, letter in ((BILLION, "B"), (MILLION, "M")):
        if value_usd >= unit:
            return f"${value_usd / unit:,.2f}{letter}"
    if value_usd >= THOUSAND:
        return f"${value_usd / THOUSAND:.0f}k"
    return f"${value_usd:.0f}"


def number(value: Decimal) -> str:
    """Format a price with separators, without an exponent, with at most 12 decimal places."""
    text = f"{value:,.12f}"
    return text.rstrip("0").rstrip(".")


def names(found: Sequence[str]) -> str:
    """Return a list of external names; of many, the first ones and the number of the others."""
    distinct = list(dict.fromkeys(found))
    text = ", ".join(map(inert, distinct[:MAX_NAMES]))
    left = len(distinct) - MAX_NAMES
    return f"{text} and {left} more" if left > 0 else text


def clock_time(timestamp_ms: int) -> str:
    """Format a time by RFC 3339 (UTC, whole seconds); empty if it is outside of the calendar."""
    try:
        moment = datetime.fromtimestamp(timestamp_ms // SECOND_MS, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_alert(alert: CascadeAlert) -> str:
    own_share = alert.long_ratio if alert.side is Side.LONG else 1 - alert.long_ratio
    count = len(alert.exchanges)
    places = f"{count} venue{'' if count == 1 else 's'}"
    if alert.scope is Scope.MARKET:
        places += f" and {len(alert.symbols)} assets"
    text = (
        f"{_who(alert)}: {STEPS[alert.type]} ({alert.level}, risk {alert.risk_score:.0f}). "
        f"{alert.event_count} liquidations, {dollars(alert.total_value_usd)} "
        f"in {_seconds(alert)} s on {places}; {own_share:.0%} one-sided."
    )
    price = price_sentence(alert)
    if price:
        text += f" Price {price}."
    if alert.estimate is not None:
        low, high = dollars(alert.estimate.low_usd), dollars(alert.estimate.high_usd)
        text += f" In truth {low} to {high}, by estimate."
    if alert.blind:
        text += f" Blind: {names(alert.blind)}."
    if alert.caveat is not None:
        text += f" Caveat: {alert.caveat.replace('_', ' ')}."
    return text


def _of_feed(status: FeedStatus) -> str:
    text = f"{inert(status.exchange)} {inert(status.feed)}: {status.event}"
    if status.from_ms is not None and clock_time(status.from_ms):
        text += f" since {clock_time(status.from_ms)}"
        if status.to_ms is not None and clock_time(status.to_ms):
            text += f" until {clock_time(status.to_ms)}"
    detail = f" {inert(status.detail)}." if status.detail else ""
    return f"{text}.{detail}"


def _of_detector(report: DetectorReport) -> str:
    since = clock_time(report.since_ms)
    status = report.status
    if report.condition is Condition.SILENT:
        return f"Detection is silent since {since}: alerts may be missing or late."
    if report.condition is Condition.RECOVERED:
        return f"Detection has caught up, {since}."
    if status is None or status.behind_ms is None:
        return f"Detection has decided nothing yet, {since}."
    return f"Detection is {status.behind_ms // SECOND_MS} s behind, {since}: alerts are late."


def _of_receiver(report: ReceiverReport) -> str:
    name = inert(report.name)
    failing_seconds = (report.disabled_at_ms - report.failing_since_ms) // SECOND_MS
    hours, minutes = divmod(max(0, failing_seconds) // 60, 60)
    return (
        f"Receiver {name} is disabled after {hours} h {minutes} min of failures: "
        f"{inert(report.reason)}. It gets nothing until `liq notify enable {name}`."
    )


def _who(alert: CascadeAlert) -> str:
    who = "Market" if alert.scope is Scope.MARKET else inert(alert.asset)
    return f"{who} {_side(alert.side)}"


def _side(side: Side) -> str:
    return "longs" if side is Side.LONG else "shorts"


def _seconds(alert: CascadeAlert) -> int:
    until_ms = alert.timestamp_ms if alert.ended_at_ms is None else alert.ended_at_ms
    return max(1, (until_ms - alert.started_at_ms) // SECOND_MS)
