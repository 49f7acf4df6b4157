"""`python -m deploy.sizing [EVENTS_A_DAY...]`: compute resources from measured figures.

docs/sizing.md has the table, and a test compares it. `Measured` has the measured figures with their
sources, `Assumed` the assumptions.
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

SECONDS_A_DAY: Final = 86_400
GIGABYTE: Final = 1e9
CASES: Final = (10**5, 10**7, 10**9)


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of two cores that broker, worker and measuring process shared (docs/scale.md)."""

    normalize_events_a_second: int = 17_999
    detect_events_a_second: int = 27_432
    sink_events_a_second: int = 66_600  # docs/clickhouse.md
    normalize_us: float = 59.0
    detect_us: float = 37.0
    sink_us: float = 10.5
    clickhouse_us: float = 22.0  # of the server, for an insert
    normalize_mb: int = 256  # the limit that a backlog keeps
    detect_mb: int = 101
    sink_mb: int = 174
    # The recordings of July 2026: 3,311 frames gave 4,765 events.
    frames_an_event: float = 0.7
    frame_bytes_alone: int = 205  # LZ4, one frame a batch
    frame_bytes_in_batches: int = 64  # twenty
    event_bytes_alone: int = 356  # gzip
    event_bytes_in_batches: int = 70
    row_bytes: float = 48.6  # docs/sql-cookbook.md
    busiest_hour: float = 9.6  # times the mean; the busiest minute was 236 times


@dataclass(frozen=True, slots=True)
class Assumed:
    """Assumptions; replace them with your own figures."""

    headroom: float = 0.5  # the share of a worker's rate that the busiest hour may take
    replicas: int = 3
    raw_days: int = 14
    events_days: int = 30
    rows_days: int = 365
    # Above this mean rate batches fill; below, most records travel alone.
    batches_fill_from: float = 20.0
    # Each record in Kafka: key, headers and its place, after compression.
    overhead_bytes: int = 40


@dataclass(frozen=True, slots=True)
class Size:
    """Resources of one case. Cores are busy cores in the busiest hour; a gigabyte is 10^9 bytes."""

    events_a_day: int
    mean_a_second: float
    busiest_a_second: float
    normalize: int
    detect: int
    sink: int
    partitions: int
    worker_cores: float
    clickhouse_cores: float
    memory_mb: int
    kafka_gb: float
    clickhouse_gb_a_year: float


def size(
    events_a_day: int, measured: Measured | None = None, assumed: Assumed | None = None
) -> Size:
    """Return the resources for a number of events a day."""
    m, a = measured or Measured(), assumed or Assumed()
    mean = events_a_day / SECONDS_A_DAY
    busiest = mean * m.busiest_hour

    def workers(rate: int) -> int:
        return max(1, math.ceil(busiest / (rate * a.headroom)))

    normalize = workers(m.normalize_events_a_second)
    detect = workers(m.detect_events_a_second)
    sink = workers(m.sink_events_a_second)
    in_batches = mean >= a.batches_fill_from
    frame = m.frame_bytes_in_batches if in_batches else m.frame_bytes_alone
    event = m.event_bytes_in_batches if in_batches else m.event_bytes_alone
    frames = (frame + a.overhead_bytes) * m.frames_an_event * a.raw_days
    events = (event + a.overhead_bytes) * a.events_days
    return Size(
        events_a_day=events_a_day,
        mean_a_second=mean,
        busiest_a_second=busiest,
        normalize=normalize,
        detect=detect,
        sink=sink,
        partitions=max(12, 2 * max(normalize, detect)),
        worker_cores=busiest * (m.normalize_us + m.detect_us + m.sink_us) / 1e6,
        clickhouse_cores=busiest * m.clickhouse_us / 1e6,
        memory_mb=normalize * m.normalize_mb + detect * m.detect_mb + sink * m.sink_mb,
        kafka_gb=events_a_day * (frames + events) * a.replicas / GIGABYTE,
        clickhouse_gb_a_year=events_a_day * m.row_bytes * a.rows_days / GIGABYTE,
    )


def table(sizes: Sequence[Size]) -> str:
    """Return a table in Markdown, one column per case."""
    rows: tuple[tuple[str, Callable[[Size], str]], ...] = (
        ("events a second, mean", lambda s: f"{s.mean_a_second:,.1f}"),
        ("events a second, busiest hour", lambda s: f"{s.busiest_a_second:,.0f}"),
        ("`process normalize`", lambda s: f"{s.normalize}"),
        ("`process detect`", lambda s: f"{s.detect}"),
        ("`sink clickhouse`", lambda s: f"{s.sink}"),
        ("partitions of raw topics and events", lambda s: f"{s.partitions}"),
        ("cores of these workers, busiest hour", lambda s: f"{s.worker_cores:,.2f}"),
        ("cores of ClickHouse for inserts", lambda s: f"{s.clickhouse_cores:,.2f}"),
        ("memory of these workers, MB", lambda s: f"{s.memory_mb:,}"),
        ("Kafka's disks, all replicas, GB", lambda s: f"{s.kafka_gb:,.1f}"),
        ("ClickHouse's disk a year and replica, GB", lambda s: f"{s.clickhouse_gb_a_year:,.1f}"),
    )
    head = "| | " + " | ".join(f"{each.events_a_day:,} a day" for each in sizes) + " |"
    rule = "|---|" + "--:|" * len(sizes)
    body = [f"| {name} | " + " | ".join(show(each) for each in sizes) + " |" for name, show in rows]
    return "\n".join((head, rule, *body)) + "\n"


def main() -> None:
    """Print the table of the given cases, by default of those in docs/sizing.md."""
    cases = [int(float(word)) for word in sys.argv[1:]] or CASES
    sys.stdout.write(table([size(each) for each in cases]))


if __name__ == "__main__":
    main()
