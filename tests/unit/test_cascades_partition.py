from dataclasses import replace

import pytest

from processors.cascades import DetectorConfig, PartitionDetector, SnapshotError
from processors.cascades.partition import REDELIVERY_REACH_RECORDS
from processors.cascades.window import MAX_ENTRIES
from schemas.records import CascadeAlert, Liquidation
from schemas.vocabulary import AlertType, Side
from tests.cascade_events import START_MS, liquidation

END_DUE_MS = START_MS + 4_000 + 65_000


@pytest.fixture
def partition() -> PartitionDetector:
    return PartitionDetector(DetectorConfig())


def burst(base: str = "BTC", start_ms: int = 0, count: int = 5) -> list[Liquidation]:
    return [
        liquidation(f"{base}{start_ms + index}", start_ms + index * 1_000, base=base)
        for index in range(count)
    ]


def apply(
    partition: PartitionDetector, events: list[Liquidation], first_offset: int = 0
) -> list[CascadeAlert]:
    return [
        alert
        for offset, event in enumerate(events, first_offset)
        for alert in partition.apply(event, offset)
    ]


def snapshots(partition: PartitionDetector) -> dict[str, bytes]:
    return {name: data for name, data in partition.touched().items() if data is not None}


def restored(stored: dict[str, bytes], config: DetectorConfig | None = None) -> PartitionDetector:
    fresh = PartitionDetector(config or DetectorConfig())
    fresh.restore(stored)
    return fresh


def test_assets_do_not_mix(partition: PartitionDetector) -> None:
    events = [*burst("BTC", count=4), *burst("ETH", count=4)]
    assert apply(partition, events) == []
    (alert,) = partition.apply(liquidation("z", 4_000, base="ETH"), 8)
    assert alert.asset == "ETH"


def test_only_changed_assets_are_touched(partition: PartitionDetector) -> None:
    apply(partition, [*burst("BTC"), *burst("ETH")])
    assert set(partition.touched()) == {"BTC", "ETH"}
    assert partition.touched() == {}
    partition.apply(liquidation("z", 4_000, base="ETH"), 10)
    assert set(partition.touched()) == {"ETH"}


def test_a_heartbeat_touches_only_what_it_ends(partition: PartitionDetector) -> None:
    apply(partition, [*burst("BTC"), *burst("ETH", count=4)])
    partition.touched()
    assert partition.heartbeat(END_DUE_MS - 1, 9) == []
    assert partition.touched() == {}
    assert [alert.type for alert in partition.heartbeat(END_DUE_MS, 10)] == [AlertType.ENDED]
    assert set(partition.touched()) == {"BTC"}


def test_reading_the_log_again_changes_nothing(partition: PartitionDetector) -> None:
    events = burst(count=6)
    apply(partition, events)
    before = partition.touched()
    assert apply(partition, events) == []
    assert partition.duplicates == 0
    assert partition.touched() == {}
    assert partition.heartbeat(END_DUE_MS + 60_000, 5) == []
    restarted = restored({name: data for name, data in before.items() if data is not None})
    assert apply(restarted, events) == []
    assert restarted.touched() == {}


def test_a_restart_in_the_middle_of_a_cascade_gives_the_same_end(
    partition: PartitionDetector,
) -> None:
    (start,) = apply(partition, burst())
    restarted = restored(snapshots(partition))
    later = burst(start_ms=10_000, count=3)
    assert apply(partition, later, 5) == apply(restarted, later, 5) == []
    ends = partition.heartbeat(END_DUE_MS + 60_000, 8)
    assert ends == restarted.heartbeat(END_DUE_MS + 60_000, 8)
    assert [end.cascade_id for end in ends] == [start.cascade_id]
    assert [end.event_count for end in ends] == [8]
    assert partition.touched() == restarted.touched()


def test_repeats_are_recognised_after_a_restart(partition: PartitionDetector) -> None:
    apply(partition, burst(count=4))
    restarted = restored(snapshots(partition))
    assert apply(restarted, burst(count=4), 100) == []
    assert restarted.duplicates == 4


def test_oddities_are_counted(partition: PartitionDetector) -> None:
    events = [
        liquidation("a", 1_000_000),
        liquidation("a", 1_000_000),
        liquidation("late", 0, received_at_ms=1_000_000),
        liquidation("future", 9_000_000, received_at_ms=1_000_000),
        liquidation("absurd", 1_000_000, price="-1"),
    ]
    apply(partition, events)
    counts = (partition.duplicates, partition.late, partition.future, partition.implausible)
    assert counts == (1, 1, 1, 1)


def test_ends_of_one_heartbeat_come_in_order_of_time(partition: PartitionDetector) -> None:
    apply(partition, [*burst("ETH", 2_000), *burst("BTC", 1_000), *burst("ADA", 2_000)])
    ends = partition.heartbeat(END_DUE_MS + 60_000, 15)
    assert [end.asset for end in ends] == ["BTC", "ADA", "ETH"]


def test_finish_ends_what_is_open(partition: PartitionDetector) -> None:
    apply(partition, [*burst("ETH", 2_000), *burst("BTC", 1_000), *burst("ADA", count=4)])
    ends = partition.finish()
    assert [(end.asset, end.type) for end in ends] == [
        ("BTC", AlertType.ENDED),
        ("ETH", AlertType.ENDED),
    ]


def test_a_cascade_keeps_its_identity_when_the_configuration_changes(
    partition: PartitionDetector,
) -> None:
    (start,) = apply(partition, burst())
    narrower = restored(snapshots(partition), DetectorConfig(window_seconds=30))
    (end,) = narrower.finish()
    assert (end.cascade_id, end.detector) == (start.cascade_id, start.detector)


def test_an_idle_asset_is_kept_while_a_restart_could_read_its_events_again(
    partition: PartitionDetector,
) -> None:
    apply(partition, burst(count=4))
    partition.touched()
    long_after_ms = START_MS + 86_400_000
    partition.heartbeat(long_after_ms, REDELIVERY_REACH_RECORDS)
    assert partition.assets == {"BTC"}
    partition.heartbeat(long_after_ms + 60_000, 3 + REDELIVERY_REACH_RECORDS + 1)
    assert partition.assets == set()
    assert partition.touched() == {"BTC": None}


def test_an_asset_with_an_open_cascade_or_recent_events_is_not_dropped(
    partition: PartitionDetector,
) -> None:
    apply(partition, burst())
    partition.heartbeat(START_MS + 5_000, 10 * REDELIVERY_REACH_RECORDS)
    assert partition.assets == {"BTC"}


def test_a_dropped_asset_starts_anew(partition: PartitionDetector) -> None:
    apply(partition, burst(count=4))
    far_offset = 2 * REDELIVERY_REACH_RECORDS
    partition.heartbeat(START_MS + 86_400_000, far_offset)
    assert partition.apply(liquidation("z", 86_401_000), far_offset + 1) == []
    (data,) = snapshots(partition).values()
    assert restored({"BTC": data}).assets == {"BTC"}


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 4, b"\x00" * 8, b"\x00" * 8 + b"[99]", b"\x00" * 8 + b'{"a":1}']
)
def test_an_unreadable_snapshot_is_named(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="snapshot of BTC"):
        restored({"BTC": data})


def test_a_storm_is_bounded_in_state_and_exact_in_its_totals(
    partition: PartitionDetector,
) -> None:
    count = 4 * MAX_ENTRIES
    events = [
        replace(
            liquidation(f"{index:032x}", index * 10, value_usd="100.01"),
            side=Side.SHORT if index % 2 else Side.LONG,
        )
        for index in range(count)
    ]
    alerts = apply(partition, events)
    (data,) = snapshots(partition).values()
    assert len(data) < 500_000
    assert [alert.side for alert in alerts] == [Side.LONG, Side.SHORT]
    for end in (*partition.finish(), *restored({"BTC": data}).finish()):
        assert end.event_count == count // 2
        assert str(end.total_value_usd) == "204820.48"
