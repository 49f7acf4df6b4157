"""Snapshots, restarts and re-reading: what makes a partition's answer a function of its log."""

import hashlib
import zlib
from dataclasses import replace
from decimal import Decimal

import pytest

from liq.processors.cascades import DetectorConfig, PartitionDetector, snapshot_frame
from liq.processors.cascades.partition import IDLE_SECONDS, REDELIVERY_REACH_RECORDS, Made
from liq.processors.cascades.recent_ids import MAX_REMEMBERED
from liq.processors.cascades.snapshot import ASSET_VERSION
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
    "data",
    [
        b"",
        OFFSET[:4],
        OFFSET,
        OFFSET + b"\x63[]",
        OFFSET + b"\x05[]",
        OFFSET + b"{}",
        OFFSET + b"\x05" + zlib.compress(b"[1,2,[[0,5]],[],[],[]]"),
        OFFSET + b"\x05" + zlib.compress(b"[1,2,[],[],[],[]]")[:-1],
    ],
)
def test_an_unreadable_snapshot_is_named_and_the_others_serve(data: bytes) -> None:
    writer = PartitionDetector(DetectorConfig())
    apply(writer, burst("ETH"))
    fresh = PartitionDetector(DetectorConfig())
    unreadable = fresh.restore({"BTC": data, **snapshots(writer)}, clock_ms=0)
    assert unreadable.keys() == {"BTC"}
    assert fresh.assets == {"ETH"}


def test_a_lost_asset_is_adopted_and_the_others_stay() -> None:
    log = [*burst("BTC"), *burst("ETH")]
    whole = PartitionDetector(DetectorConfig())
    apply(whole, log)
    stored, clock_ms = snapshots(whole), whole.clock_ms
    detector = PartitionDetector(DetectorConfig())
    detector.restore({"ETH": stored["ETH"]}, clock_ms)
    rebuilt = PartitionDetector(DetectorConfig())
    apply(rebuilt, log)
    rebuilt.heartbeat(START_MS + 100_000, 1_000)
    detector.adopt(rebuilt, ["BTC"])
    assert detector.assets == {"BTC", "ETH"}
    # What was adopted is stored, what was restored is as it was.
    assert detector.touched().keys() == {"BTC"}
    assert detector.clock_ms == clock_ms
    ended = alerts(detector.heartbeat(START_MS + 600_000, 2_000), AlertType.ENDED)
    assert [end.asset for end in ended] == ["BTC", "ETH"]


def test_a_detector_without_a_clock_adopts_that_too() -> None:
    rebuilt = PartitionDetector(DetectorConfig())
    apply(rebuilt, burst("BTC"))
    detector = PartitionDetector(DetectorConfig())
    detector.adopt(rebuilt, None)
    assert (detector.assets, detector.clock_ms) == ({"BTC"}, rebuilt.clock_ms)
    assert detector.touched() == rebuilt.touched()


@pytest.mark.parametrize(
    ("state", "found"), [(b"[4,1783000000,1783000000]", "1 to 4"), (b"\x09", "9")]
)
def test_a_snapshot_of_another_version_says_which(state: bytes, found: str) -> None:
    unreadable = PartitionDetector(DetectorConfig()).restore({"BTC": OFFSET + state}, clock_ms=0)
    assert f"version {found}" in unreadable["BTC"]


def test_a_snapshot_that_unpacks_to_gigabytes_is_unreadable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot_frame, "MAX_PLAIN_BYTES", 1_000)
    bomb = OFFSET + bytes([ASSET_VERSION]) + zlib.compress(b" " * 2_000 + b"[]")
    unreadable = PartitionDetector(DetectorConfig()).restore({"BTC": bomb}, clock_ms=0)
    assert "larger than 1000 bytes" in unreadable["BTC"]


def test_a_storm_is_bounded_in_state_and_exact_in_its_totals(
    partition: PartitionDetector,
) -> None:
    count = MAX_REMEMBERED + 4_000
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
    assert len(data) < 256 * 1024
    assert {alert.side for alert in found} == set(Side)
    ends = alerts(partition.finish(), AlertType.ENDED)
    assert ends == alerts(restored({"BTC": data}).finish(), AlertType.ENDED)
    for end in ends:
        assert end.event_count == count // 2
        assert end.total_value_usd == count // 2 * Decimal("1000.01")


def test_the_largest_block_known_counts_once_though_two_feeds_bring_it(
    partition: PartitionDetector,
) -> None:
    block = [
        liquidation(hashlib.sha256(b"%d" % index).hexdigest()[:32], 0, value_usd="1000")
        for index in range(11_279)
    ]
    apply(partition, [*block, *block])
    (end,) = alerts(partition.finish(), AlertType.ENDED)
    assert end.event_count == len(block)


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


def test_a_heartbeat_that_no_record_confirms_does_not_stay_the_clock() -> None:
    """A log without append times, such as an old export, has nothing else to say so."""
    hour_ms = 3_600_000
    for first in ([], [START_MS]):
        detector = PartitionDetector(DetectorConfig())
        made = [
            item
            for offset, clock_ms in enumerate([*first, START_MS + hour_ms])
            for item in detector.heartbeat(clock_ms, offset)
        ]
        for offset in range(10, 50):
            made += detector.apply(liquidation(f"{offset}", offset * 500), offset)
        assert detector.clock_ms < START_MS + 60_000
        assert AlertType.DETECTED in {item.type for item in made if isinstance(item, CascadeAlert)}


def test_a_heartbeat_that_the_next_record_confirms_is_the_clock() -> None:
    detector = PartitionDetector(DetectorConfig())
    for offset, at_ms in enumerate([0, 7_200_000, 7_201_000, 0]):
        detector.heartbeat(START_MS + at_ms, offset)
    assert detector.clock_ms == START_MS + 7_201_000
