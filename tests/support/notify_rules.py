"""Rules of notifications for tests, and notices for them to select."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Level, Scope
from liq.sinks.notify.notices import Kind, Notice, read_notice
from liq.sinks.notify.rules import Rules
from liq.sinks.notify.rules_file import parse_rules
from tests.support import sample_records

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENVIRONMENT = {"SECRET": SECRET, "CHAT": "tgram://123456789:abcdefg_hijklmnop/12315544/"}

WHOLE = """\
link: https://liq.example.com/cascades/{cascade_id}
receivers:
  desk:
    webhook: https://hooks.example.com/liq
    secret: ${SECRET}
  phone:
    apprise: ${CHAT}
rules:
  - name: cascades
    when:
      alerts: [detected, escalated, ended]
      level: moderate
      assets: [BTC, eth]
      dollars: 1_000_000
    to: [desk, phone]
    cool_down_minutes: 10
    quiet_hours: {from: "23:00", to: "07:00", timezone: Europe/Berlin, unless_level: extreme}
    template: "{subject} {price} {link}"
  - name: large
    when: {liquidations: institutional, side: long, dollars: 5000000}
    to: phone
  - name: venues
    when: {feeds: [dead, gap], venues: [binance]}
    to: desk
  - name: detector
    when: {detector: behind, seconds: 60}
    to: [desk]
"""


def rules(text: str, environment: Mapping[str, str] = ENVIRONMENT) -> Rules:
    return parse_rules(text, "rules.yaml", environment)


def one_rule(when: str, more: str = "", receiver: str = "") -> Rules:
    """Return the rule `only` to the webhook `desk`; `more` and `receiver` are unindented lines."""
    lines = [
        "receivers:",
        "  desk:",
        "    webhook: https://hooks.example.com/liq",
        "    secret: ${SECRET}",
        *(f"    {line}" for line in receiver.splitlines()),
        "rules:",
        "  - name: only",
        f"    when: {when}",
        "    to: desk",
        *(f"    {line}" for line in more.splitlines()),
    ]
    return rules("\n".join(lines))


def alert(name: str = "a", cascade_id: str = "c", **changes: Any) -> CascadeAlert:
    made = replace(
        sample_records.alert(),
        alert_id=name,
        cascade_id=cascade_id,
        type=AlertType.DETECTED,
        asset="BTC",
        level=Level.MAJOR,
    )
    return replace(made, **changes)


def market(name: str, cascade_id: str = "market", **changes: Any) -> CascadeAlert:
    """Return a message of the market that covers an `alert`."""
    given = {"scope": Scope.MARKET, "asset": "", "level": Level.EXTREME, **changes}
    return alert(name, cascade_id, **given)


def link(cascade_id: str, parent_id: str = "market") -> CascadeAlert:
    return alert(
        f"link-{cascade_id}", cascade_id, type=AlertType.LINKED, notify=False, parent_id=parent_id
    )


def notice(record: CascadeAlert) -> Notice:
    return read_notice(Kind.ALERT, encode(record))
