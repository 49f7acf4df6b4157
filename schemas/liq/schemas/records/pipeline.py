"""Records about the pipeline: pulses, status of detection and feeds, undelivered messages."""

from dataclasses import dataclass
from decimal import Decimal

from liq.schemas.records.source import SCHEMA_VERSION
from liq.schemas.vocabulary import FeedEvent, Side


@dataclass(frozen=True, slots=True)
class PulseSlice:
    """What one second of event time brought."""

    second_ms: int
    event_count: int
    value_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What one second of the log brought to one side of one asset (topic `liquidations.pulse`).

    The market-wide detector reads nothing else. `timestamp_ms` is the end of that second of the
    log's clock; `slices` lay the liquidations out by their own time. For one asset and side,
    `timestamp_ms` only ever rises, so a repeat can be recognised. `blind` are the venues of which
    nothing was received then.
    """

    asset: str
    side: Side
    timestamp_ms: int
    slices: tuple[PulseSlice, ...]
    exchanges: tuple[str, ...]
    complete_count: int
    largest_event_id: str
    largest_usd: Decimal
    blind: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionStatus:
    """How far detection is (topic `liquidations.status`), every five seconds while it runs.

    The worker that detects on the whole market writes it, also when nothing arrives. A quiet market
    has records that go on and times that go on; where the times stand still, nothing reaches
    detection or it does not decide; where no record comes, detection is dead.

    `timestamp_ms` is the worker's clock. `assets_decided_until_ms` and `market_decided_until_ms`
    are of the log's clock: every second before is decided, for single assets and for the whole
    market. The slowest partition sets both: an asset in another one may be decided further.
    `behind_ms` is `timestamp_ms` less the earlier of both (of a log that is replayed, its
    age), and `behind_records` is what of the slowest partition is not committed as decided. These
    are None while nobody knows them.

    `partition_count` is the number of partitions of the events topic, `assigned_count` how many of
    them this worker has, and `waiting_partitions` (16 at most) are those that say nothing while
    others go on.
    """

    detector: str
    worker: str
    timestamp_ms: int
    partition_count: int
    assigned_count: int
    assets_decided_until_ms: int | None = None
    market_decided_until_ms: int | None = None
    behind_ms: int | None = None
    behind_records: int | None = None
    slowest_partition: int | None = None
    waiting_partitions: tuple[int, ...] = ()
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """Something that happened to a connection (topic `liquidations.feeds`).

    For a gap, `from_ms` and `to_ms` bound the time in which frames may be missing. While a
    connection is down, its records have the `from_ms` that its gap will have.

    The end of a gap's repair (`filled`, `partly`, `unrecoverable`) has the gap's feed, connection
    and bounds. `row_count` is how many liquidations the venue's history has within it (of
    gaps that were repaired together: within all of them),
    `request_count` how many requests were answered; None in other records. A record
    `connected` has both times if another producer received the feed meanwhile: there is no gap.
    """

    exchange: str
    feed: str
    connection: str
    event: FeedEvent
    timestamp_ms: int
    detail: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    row_count: int | None = None
    request_count: int | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A notification that was given up (topic `liquidations.undelivered`).

    `payload` is the body that a webhook would have got (base64 in JSON). `receiver` and
    `message_id` are empty for a record that could not be read, whose bytes `payload` then is.
    """

    receiver: str
    message_id: str
    reason: str
    detail: str
    timestamp_ms: int
    payload: bytes
    schema_version: int = SCHEMA_VERSION
