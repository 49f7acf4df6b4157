"""What was done to the logs of a run, as far as the comparison at its end has to know it.

A log that is deleted or truncated is kept here before, so that what workers have published of it
can still be compared. Records that others wrote are known by their places.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from tests.support.foreign_records import Foreign
from tests.support.operator_of_kafka import create_topic
from tests.support.pipeline_log import offline_alerts, read_topic, run_offline

Place = tuple[str, int, int]
"""Topic, partition, offset."""

#: A copy keeps the times that the records had, and takes the largest of them.
COPY_CONFIGS: Final = {
    "message.timestamp.type": "CreateTime",
    "max.message.bytes": "4194304",
    "retention.ms": "-1",
}


@dataclass
class History:
    """The logs that are gone, and the records that others wrote.

    `foreign` has the records of others in logs that are there, `gone_foreign` those of other logs.
    `away_ms` says, by topic, since when it was made again first. `market_restarts` is set once the
    log of the market stage was replaced: its alerts are no function of the events alone then.
    `marked` allows alerts to bear `rebuilt`, `early_ends` cascades to end early.
    """

    settings: Settings
    foreign: dict[Place, Foreign] = field(default_factory=dict)
    gone_foreign: list[tuple[Place, Foreign]] = field(default_factory=list)
    away_ms: dict[str, int] = field(default_factory=dict)
    market_restarts: bool = False
    marked: bool = False
    early_ends: bool = False
    _records: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    _lines: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _alerts: list[bytes] = field(default_factory=list)
    # What was cut off the beginning of the present events log.
    _cut: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))
    _copies: int = 0

    def keep_raw(self, topic: str) -> None:
        """Keep a raw topic, which is about to be deleted or truncated."""
        self._lines[topic] += self._exported(topic)
        self._keep(topic)

    def keep_events(self, *, is_truncated: bool) -> None:
        """Keep the events topic, of which detection has applied all."""
        topic = self.settings.topics.events
        if is_truncated:
            for partition, records in read_topic(self.settings, topic).items():
                self._cut[partition] += records
        else:
            self._alerts += self._detected()
            self._cut.clear()
        self._keep(topic)

    def records(self, topic: str) -> list[Any]:
        """Return the records of ours that a topic has or had, without heartbeats."""
        return [*self._records[topic], *self._present(topic)]

    def values(self, topic: str) -> list[bytes]:
        """Return the values of `records`."""
        return [record.value for record in self.records(topic)]

    def capture_lines(self, raw_topics: Iterable[str]) -> bytes:
        """Return what raw topics have or had of ours as capture lines."""
        lines: list[bytes] = []
        for topic in raw_topics:
            lines += [*self._lines[topic], *self._exported(topic)]
        return b"".join(line + b"\n" for line in lines)

    def alerts(self) -> list[bytes]:
        """Return what `liq detect` gives of every events log that there was."""
        return [*self._alerts, *self._detected()]

    def foreign_places(self) -> list[tuple[Place, Foreign]]:
        """Return every record of others with its place."""
        return [*self.gone_foreign, *self.foreign.items()]

    def foreign_ids(self, name: str) -> set[str]:
        """Return the ids in the records of others that look like records of ours."""
        found = set()
        for _, record in self.foreign_places():
            try:
                document = orjson.loads(record.value or b"")
            except orjson.JSONDecodeError:
                continue
            if isinstance(document, dict) and isinstance(document.get(name), str):
                found.add(document[name])
        return found

    def _keep(self, topic: str) -> None:
        self._records[topic] += self._present(topic)
        for place in [each for each in self.foreign if each[0] == topic]:
            self.gone_foreign.append((place, self.foreign.pop(place)))

    def _present(self, topic: str) -> list[Any]:
        return [
            record
            for records in read_topic(self.settings, topic).values()
            for record in records
            if record.value is not None
            and (topic, record.partition, record.offset) not in self.foreign
        ]

    def _exported(self, topic: str) -> list[bytes]:
        exported = run_offline(self.settings, "export", topic)
        assert exported.returncode == 0, exported.stderr
        return [line for line in exported.stdout.splitlines() if not self._is_foreign(line)]

    def _is_foreign(self, line: bytes) -> bool:
        source = orjson.loads(line)["source"]
        return (source["topic"], source["partition"], source["offset"]) in self.foreign

    def _detected(self) -> list[bytes]:
        if not self._cut:
            return offline_alerts(self.settings)
        log = {partition: list(records) for partition, records in self._cut.items()}
        for partition, records in read_topic(self.settings, self.settings.topics.events).items():
            log.setdefault(partition, []).extend(records)
        self._copies += 1
        namespace = f"{self.settings.topic_namespace}copy{self._copies}"
        # A plain copy would keep the names of the topics that it has computed.
        copy = Settings.model_validate({**self.settings.model_dump(), "topic_namespace": namespace})
        asyncio.run(write_copy(copy, log))
        return offline_alerts(copy)


async def write_copy(settings: Settings, log: Mapping[int, Sequence[Any]]) -> None:
    """Write the records of an events log to the events topic of other settings."""
    topic = settings.topics.events
    await create_topic(settings, topic, COPY_CONFIGS)
    producer = new_producer(settings, "copy")
    await producer.start()
    try:
        for partition, records in log.items():
            for record in records:
                await producer.send(
                    topic,
                    record.value,
                    key=record.key,
                    partition=partition,
                    timestamp_ms=record.timestamp,
                    headers=list(record.headers),
                )
        await producer.flush()
    finally:
        await producer.stop()
