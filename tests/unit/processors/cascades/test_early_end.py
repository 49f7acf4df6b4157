"""Ends of cascades that no decision on the log brings, and cascades that outlive their state."""

from dataclasses import replace

import pytest

from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.early_end import end_early, open_cascades
from liq.processors.cascades.partition import PartitionDetector
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Caveat, Scope
from tests.support.cascade_events import START_MS, liquidation
from tests.support.sample_records import alert

DETECTED = replace(
    alert(0), type=AlertType.DETECTED, cascade_id="a", sequence=0, timestamp_ms=10_000
)
UPDATED = replace(DETECTED, type=AlertType.UPDATED, sequence=1, timestamp_ms=20_000)
ENDED = replace(DETECTED, type=AlertType.ENDED, sequence=2, timestamp_ms=30_000)
LINKED = replace(UPDATED, type=AlertType.LINKED, parent_id="m", timestamp_ms=25_000)
OF_MARKET = [replace(each, scope=Scope.MARKET, asset="") for each in (DETECTED, ENDED)]


@pytest.mark.parametrize(
    ("alerts", "until_ms", "opened"),
    [
        ([DETECTED, UPDATED, LINKED], None, {"a": UPDATED}),
        ([UPDATED, DETECTED], None, {"a": UPDATED}),
        ([DETECTED, UPDATED, ENDED, LINKED], None, {}),
        ([DETECTED, UPDATED, ENDED], 20_000, {"a": UPDATED}),
        ([DETECTED, UPDATED, ENDED], 28_000, {"a": UPDATED}),
        # An asset's end is decided at the beginning of the second that its time is the end of.
        ([DETECTED, UPDATED, ENDED], 29_000, {}),
        ([DETECTED, UPDATED, ENDED], 9_000, {}),
        (OF_MARKET, 29_000, {"a": OF_MARKET[0]}),
        (OF_MARKET, 30_000, {}),
        ([LINKED], None, {}),
    ],
)
def test_a_cascade_is_open_until_its_end(
    alerts: list[CascadeAlert], until_ms: int | None, opened: dict[str, CascadeAlert]
) -> None:
    assert open_cascades(alerts, until_ms) == opened


def test_an_early_end_repeats_the_numbers_and_has_an_id_of_its_own() -> None:
    ended = end_early(UPDATED, Caveat.LOG_REPLACED)
    assert (ended.type, ended.sequence, ended.ended_at_ms) == (AlertType.ENDED, 2, 20_000)
    assert ended.total_value_usd == UPDATED.total_value_usd
    assert "ended early" in ended.explanation
    assert ended == end_early(UPDATED, Caveat.LOG_REPLACED)
    assert ended.alert_id != end_early(UPDATED, Caveat.STATE_LOST).alert_id
    assert open_cascades([DETECTED, UPDATED, ended], None) == {}


def test_the_records_that_a_detector_has_made_are_decided_at_its_clock() -> None:
    detector, alerts = PartitionDetector(DetectorConfig()), []
    for number in range(40):
        alerts += detector.apply(liquidation(f"{number:032x}", number * 250), number)
    for number in range(200):
        before = [each for each in alerts if isinstance(each, CascadeAlert)]
        alerts += detector.heartbeat(START_MS + 10_000 + number * 1_000, 40 + number)
        found = [each for each in alerts if isinstance(each, CascadeAlert)]
        # All of them count now, and what is new did not count a second ago.
        assert open_cascades(found, detector.clock_ms) == open_cascades(found, None)
        earlier_ms = detector.clock_ms - 1_000
        assert open_cascades(found, earlier_ms) == open_cascades(before, earlier_ms)
    assert found[-1].type is AlertType.ENDED


def rebuilt() -> tuple[PartitionDetector, str]:
    """A detector with an open cascade of BTC, and the cascade's id."""
    detector = PartitionDetector(DetectorConfig())
    made = [
        item
        for number in range(40)
        for item in detector.apply(
            liquidation(f"{number:032x}", number * 250, exchange=("bybit", "okx")[number % 2]),
            number,
        )
    ]
    (started,) = [
        item for item in made if isinstance(item, CascadeAlert) and item.type is AlertType.DETECTED
    ]
    return detector, started.cascade_id


def ends(detector: PartitionDetector) -> list[CascadeAlert]:
    made = detector.heartbeat(START_MS + 600_000, 1_000)
    return [
        item for item in made if isinstance(item, CascadeAlert) and item.type is AlertType.ENDED
    ]


def test_a_rebuilt_cascade_goes_on_where_readers_are_and_is_marked_until_its_end() -> None:
    detector, name = rebuilt()
    assert detector.go_on({name: 6}) == {name}
    again = PartitionDetector(DetectorConfig())
    again.restore({asset: data or b"" for asset, data in detector.touched().items()}, 0)
    (ended,) = ends(again)
    assert (ended.cascade_id, ended.sequence, ended.caveat) == (name, 7, Caveat.REBUILT)


def test_a_rebuilt_cascade_that_nobody_was_told_of_is_dropped() -> None:
    detector, _ = rebuilt()
    assert detector.go_on({}) == set()
    assert ends(detector) == []
