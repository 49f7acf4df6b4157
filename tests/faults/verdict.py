"""The comparison that ends every case: what exchanges sent, what topics and ClickHouse hold."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from liq.devstack.exchange.server import LocalExchange
from liq.runtime.settings import Settings
from liq.schemas.codec import decode
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent
from liq.sinks.clickhouse.client import connect
from tests.faults.traffic import sent_ms
from tests.support.pipeline_log import offline_alerts, run_offline, values

# Where a record was found may differ between two deliveries of one event; what it says may not.
CIRCUMSTANCES = ("received_at_ms", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a run, counted.

    `unsent` are frames that exchanges sent and no producer had acknowledged, `silent` those of
    them that no published gap covers. `lost` and `repeated` are events, alerts and rejections in
    ClickHouse against those that the raw log gives; `changed` those that say something else than
    the offline tools. `redelivered` are repeats on the topics, recognizable by their ids.
    """

    frames: int
    unsent: int
    silent: int
    events: int
    alerts: int
    lost: int
    repeated: int
    changed: int
    redelivered: int

    def expect_the_truth(self) -> None:
        """Fail unless nothing was lost, doubled or changed, and there was something to lose."""
        assert self.events > 100, self
        assert self.alerts > 0, self
        assert (self.silent, self.lost, self.repeated, self.changed) == (0, 0, 0, 0), self


def judge(settings: Settings, exchanges: Sequence[LocalExchange]) -> Verdict:
    """Compare; the workers have to be at rest."""
    topics = settings.topics
    raw_topics = {topics.raw(exchange.dialect.exchange): exchange for exchange in exchanges}
    frames = {topic: set(values(settings, topic)) for topic in raw_topics}
    unsent = [
        (exchange.dialect.exchange, frame)
        for topic, exchange in raw_topics.items()
        for frame in exchange.ledger
        if frame not in frames[topic]
    ]
    expected_events, rejections = normalized(settings, list(raw_topics))
    expected_alerts = [parsed(line) for line in offline_alerts(settings)]
    events = [parsed(value) for value in values(settings, topics.events)]
    alerts = [parsed(value) for value in values(settings, topics.cascades)]
    refused = [parsed(value) for value in values(settings, topics.rejected)]
    compared = [
        Compared.of("event_id", expected_events, events),
        Compared.of("alert_id", expected_alerts, alerts),
    ]
    with closing(connect(settings)) as client:

        def stored(query: str) -> Counter[Any]:
            return Counter({row[:-1]: row[-1] for row in client.query(query).result_rows})

        pairs: list[tuple[set[Any], Counter[Any]]] = [
            (
                {(event["event_id"],) for event in expected_events},
                stored("SELECT event_id, count() FROM liquidations FINAL GROUP BY 1"),
            ),
            (
                {(alert["alert_id"],) for alert in expected_alerts},
                stored("SELECT alert_id, count() FROM cascades FINAL GROUP BY 1"),
            ),
            (
                {place(rejection) for rejection in rejections},
                stored(
                    "SELECT raw_topic, raw_partition, raw_offset, entry, count() "
                    "FROM rejected FINAL GROUP BY 1, 2, 3, 4"
                ),
            ),
        ]
    return Verdict(
        frames=sum(map(len, frames.values())),
        unsent=len(unsent),
        silent=len(uncovered(settings, unsent)),
        events=len({event["event_id"] for event in expected_events}),
        alerts=len(expected_alerts),
        lost=sum(each.missing for each in compared)
        + len({place(rejection) for rejection in rejections} - {place(each) for each in refused})
        + sum(len(wanted - found.keys()) for wanted, found in pairs),
        repeated=sum(sum(found.values()) - len(wanted & found.keys()) for wanted, found in pairs),
        changed=sum(each.changed for each in compared),
        redelivered=sum(each.repeats for each in compared),
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """A topic's records against the offline tools'."""

    missing: int
    changed: int
    repeats: int

    @classmethod
    def of(
        cls, field: str, expected: Iterable[dict[str, Any]], found: Sequence[dict[str, Any]]
    ) -> "Compared":
        wanted = {record[field]: essence(record) for record in expected}
        names = {record[field] for record in found}
        return cls(
            missing=len(wanted.keys() - names),
            changed=sum(essence(record) != wanted.get(record[field]) for record in found),
            repeats=len(found) - len(names),
        )


def normalized(
    settings: Settings, raw_topics: Iterable[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Events and rejections that `liq normalize` makes of the raw topics."""
    log = b""
    for topic in raw_topics:
        exported = run_offline(settings, "export", topic)
        assert exported.returncode == 0, exported.stderr
        log += exported.stdout
    told = run_offline(settings, "normalize", data=log)
    assert told.returncode == 0, told.stderr
    return (
        [parsed(line) for line in told.stdout.splitlines()],
        [parsed(line) for line in told.stderr.splitlines()],
    )


def uncovered(settings: Settings, unsent: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """Frames that are missing without a published gap of their exchange around their time."""
    statuses = [decode(FeedStatus, value) for value in values(settings, settings.topics.feeds)]
    gaps = [
        (gap.exchange, gap.from_ms or 0, gap.to_ms or 0)
        for gap in statuses
        if gap.event is FeedEvent.GAP
    ]
    return [
        frame
        for exchange, frame in unsent
        if not any(name == exchange and a <= sent_ms(frame) <= b for name, a, b in gaps)
    ]


def place(rejection: dict[str, Any]) -> tuple[str, int, int, int]:
    """What a rejection is known by."""
    source = rejection["source"]
    return source["topic"], source["partition"], source["offset"], rejection.get("entry", 0)


def essence(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says."""
    return {name: value for name, value in record.items() if name not in CIRCUMSTANCES}


def parsed(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found
