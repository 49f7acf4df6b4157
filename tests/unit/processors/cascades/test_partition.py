"""Snapshots, restarts and re-reading: what makes a partition's answer a function of its log."""

from dataclasses import replace

import pytest

from liq.processors.cascades import DetectorConfig, PartitionDetector, SnapshotError
from liq.processors.cascades.partition import IDLE_SECONDS, REDELIVERY_REACH_RECORDS, Made
from liq.processors.cascades.recent_ids import MAX_REMEMBERED
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.units import HOUR_MS
from liq.schemas.vocabulary import AlertType, Arrival, Side
from tests.support.cascade_events import START_MS, liquidation

VENUES = ("binance", "bybit", "okx")
OFFSET = b"\x00" * 8


@pytest.fixture
def partition() -> PartitionDetector:
    return PartitionDetector(DetectorConfig())


def burst(base: str = "BTC", start_ms: int = 0, count: int = 30) -> list[Liquidation]:
    return [
        liquidation(
            f"{base}{start_ms + number}",
            start_ms + number * 500,
            base=base,
            exchange=VENUES[number % 3],
        )
        for number in range(count)
    ]


def apply(
    partition: PartitionDetector, events: list[Liquidation], first_offset: int = 0
) -> list[Made]:
    return [
        item
        for offset, event in enumerate(events, first_offset)
        for item in partition.apply(event, offset)
    ]


def alerts(made: list[Made], *wanted: AlertType) -> list[CascadeAlert]:
    kinds = wanted or (AlertType.DETECTED, AlertType.ENDED)
    return [item for item in made if isinstance(item, CascadeAlert) and item.type in kinds]


def snapshots(partition: PartitionDetector) -> dict[str, bytes]:
    return {name: data for name, data in partition.touched().items() if data is not None}


def restored(stored: dict[str, bytes], config: DetectorConfig | None = None) -> PartitionDetector:
    fresh = PartitionDetector(config or DetectorConfig())
    fresh.restore(stored, clock_ms=0)
    return fresh


def test_assets_do_not_mix(partition: PartitionDetector) -> None:
    halves = [
        event for pair in zip(burst("BTC"), burst("ETH", 40_000), strict=True) for event in pair
    ]
    found = alerts(apply(partition, sorted(halves, key=lambda event: event.received_at_ms)))
    assert [alert.asset for alert in found] == ["BTC", "ETH"]


def test_only_what_changed_is_stored(partition: PartitionDetector) -> None:
    apply(partition, [*burst("BTC"), *burst("ETH", 20_000)])
    assert set(partition.touched()) == {"BTC", "ETH"}
    assert partition.touched() == {}
    partition.apply(liquidation("z", 40_000, base="ETH"), 60)
    assert "ETH" in partition.touched()


def test_reading_the_log_again_changes_nothing(partition: PartitionDetector) -> None:
    events = burst()
    apply(partition, events)
    partition.heartbeat(START_MS + 20_000, 30)
    before = snapshots(partition)
    assert apply(partition, events) == []
    assert partition.heartbeat(START_MS + 20_000, 30) == []
    assert (partition.left_out.duplicates, partition.touched()) == (0, {})
    restarted = restored(before)
    assert apply(restarted, events) == []
    assert restarted.touched() == {}


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_restart_anywhere_changes_nothing(partition: PartitionDetector, cut: int) -> None:
    events = burst() + burst("ETH", 15_000)
    whole = apply(partition, events)
    first = PartitionDetector(DetectorConfig())
    before = apply(first, events[:cut])
    second = restored(snapshots(first))
    after = apply(second, events[cut:], cut)
    assert [*before, *after] == whole
    end_ms = START_MS + 400_000
    assert second.heartbeat(end_ms, 60) == partition.heartbeat(end_ms, 60)
    assert second.touched().items() <= partition.touched().items()


def test_repeats_are_recognised_after_a_restart(partition: PartitionDetector) -> None:
    apply(partition, burst(count=4))
    restarted = restored(snapshots(partition))
    assert apply(restarted, burst(count=4), 100) == []
    assert restarted.left_out.duplicates == 4


def test_finish_ends_what_is_open(partition: PartitionDetector) -> None:
    apply(partition, [*burst("ETH"), *burst("BTC", 20_000), *burst("ADA", 40_000, count=3)])
    ends = alerts(partition.finish(), AlertType.ENDED)
    assert [end.asset for end in ends] == ["BTC", "ETH"]
    assert partition.finish() == []


def test_an_asset_is_forgotten_when_nothing_can_matter(partition: PartitionDetector) -> None:
    apply(partition, burst(count=4))
    partition.heartbeat(START_MS + 10_000, 4)
    partition.touched()
    much_later_ms = START_MS + (IDLE_SECONDS + 60) * 1_000
    partition.heartbeat(much_later_ms, REDELIVERY_REACH_RECORDS)
    assert partition.assets == {"BTC"}
    partition.heartbeat(much_later_ms + HOUR_MS, 5 + REDELIVERY_REACH_RECORDS)
    assert partition.assets == set()
    assert partition.touched() == {"BTC": None}


@pytest.mark.parametrize(
    "data", [b"", OFFSET[:4], OFFSET, OFFSET + b"\x63[]", OFFSET + b"\x05[]", OFFSET + b"{}"]
)
def test_an_unreadable_snapshot_is_named(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="snapshot of BTC"):
        restored({"BTC": data})


@pytest.mark.parametrize(
    ("state", "found"), [(b"[4,1783000000,1783000000]", "1 to 4"), (b"\x07", "7")]
)
def test_a_snapshot_of_another_version_is_refused(state: bytes, found: str) -> None:
    with pytest.raises(SnapshotError, match=f"version {found}, this release reads 5 and 6"):
        restored({"BTC": OFFSET + state})


def test_a_storm_is_bounded_in_state_and_exact_in_its_totals(
    partition: PartitionDetector,
) -> None:
    count = 4 * MAX_REMEMBERED
    events = [
        replace(
            liquidation(
                f"{index:032x}", index * 10, value_usd="1000.01", exchange=VENUES[index % 3]
            ),
            side=Side.SHORT if index % 2 else Side.LONG,
        )
        for index in range(count)
    ]
    found = alerts(apply(partition, events))
    (data,) = snapshots(partition).values()
    assert len(data) < 80_000
    assert {alert.side for alert in found} == set(Side)
    ends = alerts(partition.finish(), AlertType.ENDED)
    assert ends == alerts(restored({"BTC": data}).finish(), AlertType.ENDED)
    for end in ends:
        assert end.event_count == count // 2
        assert str(end.total_value_usd) == "8192081.92"


@pytest.mark.parametrize("arrival", [each for each in Arrival if each is not Arrival.LIVE])
def test_what_is_late_by_nature_changes_nothing(
    partition: PartitionDetector, arrival: Arrival
) -> None:
    """A burst of it starts nothing, and among live events their alerts stay byte for byte."""
    late = [replace(event, arrival=arrival) for event in burst("ETH") + burst("BTC", 60_000)]
    assert apply(partition, late) == []
    assert (partition.assets, partition.clock_ms) == (frozenset(), 0)
    assert partition.touched() == {}
    assert partition.left_out.history == len(late)

    live = burst()
    alone, among = PartitionDetector(DetectorConfig()), PartitionDetector(DetectorConfig())
    expected = [made for offset, event in enumerate(live) for made in alone.apply(event, offset)]
    found = []
    for offset, event in enumerate(live):
        found += among.apply(late[offset], offset)
        found += among.apply(event, offset)
    assert found == expected
    assert alerts(expected, AlertType.DETECTED)
    assert among.touched() == alone.touched()
