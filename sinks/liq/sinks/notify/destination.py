"""Notifications as a destination of the sinks' loop.

`flush` returns when the ledger has acknowledged the selected notices of a batch. Couriers send
them, so a slow receiver delays neither the loop nor another receiver.
"""

import heapq
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from aiokafka.errors import KafkaError

from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.records import DetectionStatus, Undelivered
from liq.schemas.topics import Topics
from liq.schemas.vocabulary import AlertType
from liq.sinks.batch import BatchLimits, Delivered, Partition, RecordsByTopic
from liq.sinks.destination import Destination, Failure, FailureKind, Intake, Start
from liq.sinks.notify.clock import now_ms
from liq.sinks.notify.desk import Found
from liq.sinks.notify.notices import Kind, Notice, read_notice
from liq.sinks.notify.office import Office
from liq.sinks.notify.rules import (
    AlertConditions,
    DetectorConditions,
    FeedConditions,
    LiquidationConditions,
    Rules,
)
from liq.sinks.refusals import Refusal, Refusals

NAME: Final = "notify"
UNDECODABLE: Final = "undecodable_record"
LIMITS: Final = BatchLimits(rows=500, seconds=0.05, size_bytes=8 * 1024 * 1024)


def topics_of(rules: Rules, topics: Topics) -> dict[str, Kind]:
    """Map each topic that rules refer to to the kind of its records.

    Reports of receivers have no topic; they come from the couriers.
    """
    kinds: dict[str, Kind] = {}
    for rule in rules.rules:
        match rule.conditions:
            case AlertConditions(types=types):
                kinds[topics.cascades] = Kind.ALERT
                if AlertType.WATCH in types:
                    kinds[topics.watch] = Kind.ALERT
            case LiquidationConditions():
                kinds[topics.large] = Kind.LIQUIDATION
            case FeedConditions():
                kinds[topics.feeds] = Kind.FEED
            case DetectorConditions():
                kinds[topics.status] = Kind.DETECTOR
    return kinds


class NotifyDestination(Destination):
    """The destination of notifications: it passes records to the office of this process."""

    def __init__(self, settings: Settings, rules: Rules, health: Health) -> None:
        self.office = Office(settings, rules, health)
        self._settings = settings
        self._kinds = topics_of(rules, settings.topics)
        self._intake = Intake(
            name=NAME,
            stage=NAME,
            topics=tuple(self._kinds),
            limits=LIMITS,
            start=Start.NEWEST,
            is_exclusive=True,
        )
        self._records: RecordsByTopic = {}
        self._refusals = Refusals(0, 0)

    @property
    def intake(self) -> Intake:
        """The topics of the rules, from the newest record on: a new group announces no history."""
        return self._intake

    async def open(self) -> None:
        """Connect to the ledger.

        Raises:
            KafkaError: the brokers do not answer.
        """
        await self.office.open()

    def assigned(self, partitions: Collection[Partition]) -> None:
        """Lead with assigned partitions; stand by without."""
        self.office.assign(has_partitions=bool(partitions))

    def accept(self, records: RecordsByTopic, refusals: Refusals) -> None:
        """Keep a batch until `flush`."""
        self._records = records
        self._refusals = refusals

    async def flush(self) -> None:
        """Append the selected notices to the ledger, and refuse undecodable records."""
        found: list[Found] = []
        refused: list[Refusal] = []
        for record in in_order(self._records):
            try:
                found.append(Found(self._read(record), record.timestamp))
            except DecodeError as error:
                refused.append(Refusal(record, UNDECODABLE, str(error)))
        self._refusals.add(refused)
        if found:
            await self.office.take(found)

    async def keep_refused(self, refusals: Sequence[Refusal]) -> None:
        """Send refused records to the topic of undelivered messages."""
        for refusal in refusals:
            record = Undelivered(
                receiver="",
                message_id="",
                reason=refusal.reason,
                detail=refusal.detail,
                timestamp_ms=now_ms(),
                payload=refusal.record.value or b"",
            )
            await self.office.keep_undelivered(record)

    async def close(self) -> None:
        """Finish the attempts in progress within a time limit, and disconnect."""
        await self.office.close()

    def classify(self, error: Exception) -> Failure | None:
        """Classify errors of Kafka, which are retried; any other error is unexpected."""
        if isinstance(error, KafkaError):
            return Failure(FailureKind.RETRY, "ledger", f"the ledger cannot be reached: {error!r}")
        return None

    def _read(self, record: Delivered) -> Notice | DetectionStatus:
        kind = self._kinds[record.topic]
        value = record.value or b""
        return decode(DetectionStatus, value) if kind is Kind.DETECTOR else read_notice(kind, value)


def in_order(records: RecordsByTopic) -> Iterator[Delivered]:
    """Yield the records of several partitions merged by time, each partition in its own order."""
    partitions: dict[Partition, list[tuple[int, int, Delivered]]] = {}
    place = 0
    for found in records.values():
        for record in found:
            queue = partitions.setdefault((record.topic, record.partition), [])
            newest_ms = queue[-1][0] if queue else record.timestamp
            queue.append((max(newest_ms, record.timestamp), place, record))
            place += 1
    for _, _, record in heapq.merge(*partitions.values()):
        yield record
