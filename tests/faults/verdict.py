"""The comparison that ends every case: what exchanges sent, what topics and ClickHouse hold."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import orjson
from clickhouse_connect.driver.client import Client

from liq.devstack.exchange.server import LocalExchange
from liq.runtime.settings import Settings
from liq.schemas.codec import decode
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import AlertType, Caveat, FeedEvent, Scope
from liq.sinks.clickhouse.client import connect
from tests.faults.history import History
from tests.faults.traffic import sent_ms
from tests.support.pipeline_log import run_offline

# Where and when a record was found may differ between two deliveries of one event; what it says may
# not. An export says nothing of what a producer stamped that was not believed.
CIRCUMSTANCES: Final = ("received_at_ms", "stamped_at_ms", "source")
EARLY_ENDS: Final = frozenset({Caveat.LOG_REPLACED, Caveat.STATE_LOST, Caveat.DETECTOR_CHANGED})
#: Who may reject a record.
STAGES: Final = ("normalize", "detect", "market", "sink")
#: Of a kind of difference, so many are listed.
LISTED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a run, counted.

    `unsent` are frames that exchanges sent and no producer had acknowledged, `silent` those of
    them that no published gap covers. `lost` and `repeated` are events, alerts and rejections in
    ClickHouse against those that the raw log gives; `changed` those that say something else than
    the offline tools. `redelivered` are repeats on the topics, recognizable by their ids.
    `differences` names what is lost, repeated or changed, some of each kind.
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
    differences: tuple[str, ...] = ()

    def expect_the_truth(self) -> None:
        """Fail unless nothing was lost, doubled or changed, and there was something to lose."""
        assert self.events > 100, self
        assert self.alerts > 0, self
        found = (self.silent, self.lost, self.repeated, self.changed)
        assert found == (0, 0, 0, 0), "\n".join((str(found), *self.differences))


def judge(
    settings: Settings, exchanges: Sequence[LocalExchange], history: History | None = None
) -> Verdict:
    """Compare; the workers have to be at rest. `history` knows of logs that are gone."""
    history = history or History(settings)
    topics = settings.topics
    raw_topics = {topics.raw(exchange.dialect.exchange): exchange for exchange in exchanges}
    frames = {topic: set(history.values(topic)) for topic in raw_topics}
    unsent = [
        (exchange.dialect.exchange, frame)
        for topic, exchange in raw_topics.items()
        for frame in exchange.ledger
        if frame not in frames[topic]
    ]
    silent = uncovered(history, unsent)
    expected_events, rejections = normalized(settings, history.capture_lines(raw_topics))
    events = [parsed(value) for value in history.values(topics.events)]
    expected_alerts = comparable(history, map(parsed, history.alerts()))
    published = [parsed(value) for value in history.values(topics.cascades)]
    early_ends = [each for each in published if each.get("caveat") in EARLY_ENDS]
    alerts = comparable(history, (each for each in published if each not in early_ends))
    left_out = {each["alert_id"] for each in published} - {each["alert_id"] for each in alerts}
    places = Places.of(history, rejections)
    compared = [
        Compared.of("event_id", expected_events, events),
        Compared.of("alert_id", expected_alerts, alerts, *(("caveat",) if history.marked else ())),
        Compared(missing=[str(each) for each in places.wanted - places.rejected(history)]),
        Compared(changed=unexplained(history, expected_alerts, early_ends)),
    ]
    with closing(connect(settings)) as client:
        compared += [
            stored(
                client,
                "SELECT event_id, count() FROM liquidations FINAL GROUP BY 1",
                {event["event_id"] for event in expected_events},
                history.foreign_ids("event_id"),
            ),
            stored(
                client,
                "SELECT alert_id, count() FROM cascades FINAL GROUP BY 1",
                {alert["alert_id"] for alert in expected_alerts},
                left_out | history.foreign_ids("alert_id"),
            ),
            stored(
                client,
                "SELECT (raw_topic, raw_partition, raw_offset, entry, stage), count() "
                "FROM rejected FINAL GROUP BY 1",
                {(*place, "normalize") for place in places.wanted},
                places.permitted,
            ),
        ]
    return Verdict(
        frames=sum(map(len, frames.values())),
        unsent=len(unsent),
        silent=len(silent),
        events=len({event["event_id"] for event in expected_events}),
        alerts=len(expected_alerts),
        lost=sum(len(each.missing) for each in compared),
        repeated=sum(len(each.doubled) for each in compared),
        changed=sum(len(each.changed) for each in compared),
        redelivered=sum(each.repeats for each in compared),
        differences=(
            *(f"silent: {frame!r}" for frame in silent[:LISTED]),
            *(line for each in compared for line in each.lines()),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is missing, what is there and should not be, and what says something else."""

    missing: Sequence[str] = ()
    changed: Sequence[str] = ()
    doubled: Sequence[str] = ()
    repeats: int = 0

    @classmethod
    def of(
        cls,
        field: str,
        expected: Iterable[dict[str, Any]],
        found: Sequence[dict[str, Any]],
        *ignored: str,
    ) -> "Compared":
        """Compare a topic's records with the offline tools'.

        A log that is replaced in the middle of a cascade whose events are written again gives two
        versions of one alert; both are expected.
        """
        wanted: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in expected:
            wanted[record[field]].append(essence(record, ignored))
        names = {record[field] for record in found}
        return cls(
            missing=[f"{name}: {wanted[name]}" for name in wanted.keys() - names],
            changed=[
                f"{essence(record, ignored)} instead of {wanted.get(record[field])}"
                for record in found
                if essence(record, ignored) not in wanted.get(record[field], [])
            ],
            repeats=len(found) - len(names),
        )

    def lines(self) -> list[str]:
        """Return some of each kind as text."""
        return [
            f"{kind}: {each}"
            for kind in ("missing", "changed", "doubled")
            for each in getattr(self, kind)[:LISTED]
        ]


@dataclass(frozen=True, slots=True)
class Places:
    """Where rejections have to be and where they may be: of the frames of others, too."""

    wanted: set[tuple[str, int, int, int]]
    permitted: set[tuple[str, int, int, int, str]]

    @classmethod
    def of(cls, history: History, rejections: Iterable[dict[str, Any]]) -> "Places":
        """A frame of others is rejected; elsewhere, a reader may reject a record of theirs."""
        raw = history.settings.topics.raw("")
        wanted = {place(rejection) for rejection in rejections}
        permitted: set[tuple[str, int, int, int, str]] = set()
        for (topic, partition, offset), record in history.foreign_places():
            if topic.startswith(raw) and record.value is not None:
                wanted.add((topic, partition, offset, 0))
            permitted |= {(topic, partition, offset, 0, stage) for stage in STAGES}
            if topic == history.settings.topics.rejected:
                permitted |= _claimed(record.value or b"")
        return cls(wanted, permitted)

    def rejected(self, history: History) -> set[tuple[str, int, int, int]]:
        """Return the places of all rejections on the topic."""
        refused = history.values(history.settings.topics.rejected)
        return {place(parsed(value)) for value in refused}


def _claimed(value: bytes) -> set[tuple[str, int, int, int, str]]:
    """Return the place that somebody else's rejection names."""
    try:
        return {(*place(parsed(value)), "normalize")}
    except (ValueError, TypeError, KeyError):
        return set()


def stored(
    client: Client, query: str, wanted: Collection[Any], permitted: Collection[Any]
) -> Compared:
    """Compare what ClickHouse counts by its first column; what is only permitted may be missing."""
    found: dict[Any, int] = {row[0]: row[1] for row in client.query(query).result_rows}
    return Compared(
        missing=[f"not in ClickHouse: {each}" for each in set(wanted) - found.keys()],
        doubled=[
            f"in ClickHouse {count} times: {name}"
            for name, count in found.items()
            if count > 1 or (name not in wanted and name not in permitted)
        ],
    )


def comparable(history: History, alerts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the alerts that are a function of the events alone."""
    return [
        alert
        for alert in alerts
        if not history.market_restarts
        or (alert["scope"] == Scope.ASSET and alert["type"] != AlertType.LINKED)
    ]


def unexplained(
    history: History, expected: Iterable[dict[str, Any]], early_ends: Iterable[dict[str, Any]]
) -> list[str]:
    """Return the early ends of cascades that nobody knows, or that nothing explains."""
    known = {alert["cascade_id"] for alert in expected}
    return [
        f"an early end: {end}"
        for end in early_ends
        if not history.early_ends
        or end["type"] != AlertType.ENDED
        or not (end["cascade_id"] in known or history.market_restarts)
    ]


def normalized(
    settings: Settings, capture_lines: bytes
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Events and rejections that `liq normalize` makes of what was in the raw topics."""
    told = run_offline(settings, "normalize", data=capture_lines)
    assert told.returncode == 0, told.stderr
    return (
        [parsed(line) for line in told.stdout.splitlines()],
        [parsed(line) for line in told.stderr.splitlines()],
    )


def uncovered(history: History, unsent: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """Frames that are missing without a published gap of their exchange around their time.

    A gap of a whole topic does not know its beginning: its log was away since an operator's hand.
    """
    feeds = history.values(history.settings.topics.feeds)
    gaps = [
        (gap.exchange, gap.from_ms or history.away_ms.get(gap.feed, 0), gap.to_ms or 0)
        for gap in (decode(FeedStatus, value) for value in feeds)
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


def essence(record: dict[str, Any], ignored: Collection[str] = ()) -> dict[str, Any]:
    """What a record says."""
    return {
        name: value
        for name, value in record.items()
        if name not in CIRCUMSTANCES and name not in ignored
    }


def parsed(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(line)
    return found
