"""Which alerts are messages to people: those of children are folded into the market's."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType

GRACE_MS: Final = 2 * SECOND_MS


@dataclass(frozen=True, slots=True)
class Message:
    """An alert that a person is told of, and the alerts of its children that it stands for."""

    alert: CascadeAlert
    folded: tuple[CascadeAlert, ...] = ()


def fold(
    arrivals: Iterable[tuple[int, CascadeAlert]], *, grace_ms: int = GRACE_MS
) -> list[Message]:
    """Return the messages that alerts make, in order of arrival.

    An alert with `notify` is a message, except where its cascade is linked to a market cascade that
    has messages of its own: the alert is folded if the link arrives before it, or within `grace_ms`
    after it. The parent's next message stands for it; after the parent's last message, the last
    one. A repeated `alert_id` counts once.

    Args:
        arrivals: alerts in order of arrival, each with its time in ms. Offline, an alert's own
            `timestamp_ms` is the time.
        grace_ms: how long a sender waits for the link of an alert of a single asset.
    """
    told: dict[str, tuple[int, CascadeAlert]] = {}
    links: dict[str, tuple[int, str]] = {}
    for arrived_ms, alert in arrivals:
        if alert.type is AlertType.LINKED and alert.parent_id is not None:
            links.setdefault(alert.cascade_id, (arrived_ms, alert.parent_id))
        elif alert.notify:
            told.setdefault(alert.alert_id, (arrived_ms, alert))
    alerts = [alert for _, alert in told.values()]
    places: dict[str, list[int]] = defaultdict(list)
    for place, alert in enumerate(alerts):
        places[alert.cascade_id].append(place)
    parts: dict[int, list[CascadeAlert]] = defaultdict(list)
    folded: set[int] = set()
    for place, (arrived_ms, alert) in enumerate(told.values()):
        linked_ms, parent_id = links.get(alert.cascade_id, (arrived_ms, ""))
        of_parent = places.get(parent_id)
        if of_parent and linked_ms <= arrived_ms + grace_ms:
            into = min(bisect_left(of_parent, place), len(of_parent) - 1)
            parts[of_parent[into]].append(alert)
            folded.add(place)
    return [
        Message(alert, tuple(parts[place]))
        for place, alert in enumerate(alerts)
        if place not in folded
    ]
