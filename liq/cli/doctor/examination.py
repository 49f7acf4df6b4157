"""The doctor's examination: Kafka, ClickHouse, then the venues, with contracts from Kafka."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Final

from liq.cli.doctor.capture import CaptureWriter
from liq.cli.doctor.clock import clock_check, consensus_ms
from liq.cli.doctor.findings import Check, Finding, Level, worst
from liq.cli.doctor.judgement import judge
from liq.cli.doctor.kafka import KafkaSeen, examine_kafka
from liq.cli.doctor.listening import Listener, listen
from liq.cli.doctor.observations import FeedSeen
from liq.cli.doctor.warehouse import ClickHouseSeen, examine_clickhouse
from liq.processors.normalizers import InstrumentBook, load_snapshot
from liq.processors.stages.normalize import normalizer_config
from liq.producers.feeds.settings import Target
from liq.producers.live import DEFAULT_TIMING, RateHeaders, SystemClock, Timing
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError
from liq.schemas.records import Rate

KAFKA: Final = "kafka"
CLICKHOUSE: Final = "clickhouse"
VENUES: Final = "venues"
PARTS: Final = (VENUES, KAFKA, CLICKHOUSE)
# The setting with the address of a part; a part without an address is skipped.
CONFIGURED_BY: Final = {KAFKA: "kafka_bootstrap_servers", CLICKHOUSE: "clickhouse_url"}


@dataclass(frozen=True, slots=True)
class FeedReport:
    """A feed and its verdict."""

    seen: FeedSeen
    finding: Finding


@dataclass(frozen=True, slots=True)
class Report:
    """All findings; `seconds` is the duration of listening to the venues."""

    started_at_ms: int
    seconds: float
    feeds: tuple[FeedReport, ...]
    checks: tuple[Check, ...]

    @property
    def level(self) -> Level:
        """The worst level of all findings."""
        found = [each.finding.level for each in self.feeds] + [each.level for each in self.checks]
        return worst([Level.OK, *found])


async def examine(  # noqa: PLR0913 - what one examination consists of
    settings: Settings,
    targets: tuple[Target, ...],
    *,
    exchanges: tuple[str, ...],
    skipped: frozenset[str],
    seconds: float,
    stop: asyncio.Event,
    capture: CaptureWriter | None = None,
    timing: Timing = DEFAULT_TIMING,
) -> Report:
    """Run all checks that are not skipped; compare the topics of `exchanges`."""
    clock = SystemClock()
    started_at_ms = clock.now_ns() // 1_000_000
    kafka, warehouse = KafkaSeen(()), ClickHouseSeen(())
    checks: list[Check] = []
    if reason := _left_out(settings, KAFKA, skipped):
        checks.append(Check(KAFKA, Level.SKIPPED, reason))
    else:
        kafka = await examine_kafka(settings, exchanges)
    if reason := _left_out(settings, CLICKHOUSE, skipped):
        checks.append(Check(CLICKHOUSE, Level.SKIPPED, reason))
    else:
        warehouse = await asyncio.to_thread(examine_clickhouse, settings)
    book = load_snapshot().updated(kafka.contracts)
    since = clock.monotonic()
    feeds = await _listen(
        settings, targets, book, _rates(kafka.rates), seconds, stop, capture, timing
    )
    listened = clock.monotonic() - since if targets else 0.0
    witnesses = _witnesses(feeds, kafka.clock_ms, warehouse.clock_ms)
    clock_ms = consensus_ms(witnesses)
    return Report(
        started_at_ms,
        round(listened, 1),
        tuple(FeedReport(seen, judge(seen, listened, clock_ms)) for seen in feeds),
        (*kafka.checks, *warehouse.checks, *checks, clock_check(witnesses)),
    )


async def _listen(  # noqa: PLR0913, PLR0917 - handed through
    settings: Settings,
    targets: tuple[Target, ...],
    book: InstrumentBook,
    rates: RateHeaders,
    seconds: float,
    stop: asyncio.Event,
    capture: CaptureWriter | None,
    timing: Timing,
) -> list[FeedSeen]:
    if not targets:
        return []
    feeds = [target.feed for target in targets]
    listener = Listener(feeds, book, normalizer_config(settings), rates, capture)
    await listen(settings, targets, listener, seconds=seconds, timing=timing, stop=stop)
    return list(listener.feeds.values())


def _rates(published: tuple[Rate, ...]) -> RateHeaders:
    headers = RateHeaders()
    for rate in published:
        # The follower of rates reports damaged rates.
        with suppress(DecodeError):
            headers.update(rate)
    return headers


def _left_out(settings: Settings, part: str, skipped: frozenset[str]) -> str:
    """Return the reason why a part is skipped, or an empty text."""
    if part in skipped:
        return "Skipped, as asked."
    setting = CONFIGURED_BY[part]
    if setting not in settings.model_fields_set:
        return f"Not configured; set {setting.upper()} to have it looked at."
    return ""


def _witnesses(
    feeds: list[FeedSeen], kafka_ms: int | None, clickhouse_ms: int | None
) -> dict[str, int]:
    """Map each known clock to this host's offset from it (ms); a venue counts once."""
    by_exchange: dict[str, list[int]] = defaultdict(list)
    for seen in feeds:
        if seen.offset_ms is not None:
            by_exchange[seen.feed.exchange].append(seen.offset_ms)
    found = {exchange: round(median(offsets)) for exchange, offsets in by_exchange.items()}
    others = {KAFKA: kafka_ms, CLICKHOUSE: clickhouse_ms}
    return found | {name: offset for name, offset in others.items() if offset is not None}
