"""Descriptions of rules and receivers for `liq notify check`; only the host of an address."""

from urllib.parse import urlsplit

from liq.schemas.units import MINUTE_MS
from liq.sinks.notify.rules import (
    AlertConditions,
    Channel,
    DetectorConditions,
    FeedConditions,
    LiquidationConditions,
    Receiver,
    ReceiverConditions,
    Rule,
)

Row = tuple[str, str, str]


def describe_receiver(receiver: Receiver) -> Row:
    """Return a receiver's name, its place and its options."""
    parts = urlsplit(receiver.url.get_secret_value())
    if receiver.channel is Channel.WEBHOOK:
        place = f"webhook at {parts.scheme}://{parts.hostname}"
        count = len(receiver.keys)
        how = [f"signed with {count} secret{'' if count == 1 else 's'}, at least once, in order"]
    else:
        place = f"{parts.scheme} through apprise"
        how = ["handed to the service at least once"]
    if receiver.fold:
        how.append("children folded")
    if receiver.allow_internal:
        how.append("internal addresses allowed")
    if receiver.follow_redirects:
        how.append("redirects followed")
    return receiver.name, place, "; ".join(how)


def describe_rule(rule: Rule) -> Row:
    """Return a rule's name, its conditions, and its receivers with their limits."""
    how = [f"to {', '.join(rule.receivers)}"]
    if rule.cool_down_ms:
        how.append(f"cool-down {rule.cool_down_ms / MINUTE_MS:g} min")
    quiet = rule.quiet_hours
    if quiet is not None:
        unless = f" unless {quiet.unless_level}" if quiet.unless_level else ""
        how.append(f"quiet {quiet.start:%H:%M} to {quiet.end:%H:%M} {quiet.zone.key}{unless}")
    return rule.name, _what(rule), "; ".join(how)


def _what(rule: Rule) -> str:
    match rule.conditions:
        case AlertConditions() as alerts:
            steps = sorted(step.removeprefix("CASCADE_").lower() for step in alerts.types)
            parts = [", ".join(steps), f"{alerts.level} or worse"]
            if len(alerts.scopes) == 1:
                parts.append(f"{next(iter(alerts.scopes))} only")
            return "; ".join([*parts, *_more(alerts)])
        case LiquidationConditions() as liquidations:
            return "; ".join(["institutional liquidations", *_more(liquidations)])
        case FeedConditions() as feeds:
            venues = f" of {', '.join(sorted(feeds.venues))}" if feeds.venues else ""
            return f"feeds{venues}: {', '.join(sorted(feeds.events))}"
        case DetectorConditions() as detector:
            return f"detection behind or silent for {detector.patience_seconds} s"
        case ReceiverConditions():
            return "another receiver that was disabled"
    return ""


def _more(conditions: AlertConditions | LiquidationConditions) -> list[str]:
    parts = []
    if conditions.assets:
        parts.append(", ".join(sorted(conditions.assets)))
    if conditions.side:
        parts.append(f"{conditions.side.lower()}s")
    if conditions.dollars:
        parts.append(f"from ${conditions.dollars:,.0f}")
    return parts
