"""Messages to receivers: a pure function of a notice, its rule and its folded alerts."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import Level
from liq.sinks.notify.inert import inert_id
from liq.sinks.notify.notices import Condition, DetectorReport, Notice
from liq.sinks.notify.rules import is_level_or_worse
from liq.sinks.notify.sentences import clock_time, link_of, names_of, subject
from liq.sinks.notify.templates import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: `body` is for webhooks, `title` and `text` are for chats.

    `id` is that of the notice. `is_warning` marks notices that call for attention.
    """

    id: str
    title: str
    text: str
    body: bytes
    is_warning: bool


def compose(
    notice: Notice,
    *,
    rule: str,
    template: str = "",
    link: str = "",
    folded: Sequence[CascadeAlert] = (),
) -> Message:
    """Return the message of a notice; equal arguments yield equal bytes."""
    text = render(template, names_of(notice, rule=rule, link=link, folded=folded))
    document = {
        "type": notice.type,
        "timestamp": clock_time(notice.timestamp_ms),
        "data": {
            "id": notice.id,
            "rule": rule,
            "text": text,
            "link": link_of(notice, link) or None,
            "record": orjson.Fragment(notice.document),
            "folded": [
                {
                    "id": inert_id(alert.alert_id),
                    "cascade_id": alert.cascade_id,
                    "asset": alert.asset,
                    "type": alert.type,
                    "total_value_usd": f"{alert.total_value_usd:f}",
                }
                for alert in folded
            ],
        },
    }
    return Message(
        id=notice.id,
        title=subject(notice),
        text=text,
        body=orjson.dumps(document),
        is_warning=_is_warning(notice),
    )


def _is_warning(notice: Notice) -> bool:
    if isinstance(notice.record, DetectorReport):
        return notice.record.condition is not Condition.RECOVERED
    return notice.level is None or is_level_or_worse(notice.level, Level.MODERATE)
