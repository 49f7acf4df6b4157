"""Whether levels were told, and in time, on hand-made records and on a real cascade."""

from dataclasses import replace

from benchmarks.detection.levels import LevelTally, Reached, alerts_and_levels
from benchmarks.detection.recordings import THREE_VENUES, observations_of
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Level
from tests.support import sample_records


def record(
    kind: AlertType, second: int, level: Level, score: float, *, notify: bool = True
) -> CascadeAlert:
    return replace(
        sample_records.alert(),
        cascade_id="one",
        type=kind,
        timestamp_ms=second * 1000,
        level=level,
        risk_score=score,
        notify=notify,
    )


START = record(AlertType.DETECTED, 10, Level.MINOR, 30)


def counted(*alerts: CascadeAlert, reached: Reached | None = None) -> LevelTally:
    tally = LevelTally()
    tally.add(alerts, reached or {})
    return tally


def test_a_final_level_above_any_told_is_untold() -> None:
    moderate = record(AlertType.ESCALATED, 20, Level.MODERATE, 50)
    update = record(AlertType.UPDATED, 25, Level.MAJOR, 65, notify=False)
    end = record(AlertType.ENDED, 99, Level.MAJOR, 65)
    assert counted(START, moderate, update, end).untold == 1
    told = counted(START, moderate, replace(end, level=Level.MODERATE))
    assert (told.cascades, told.untold, told.escalations) == (1, 0, 1)


def test_a_message_whose_score_has_another_level_is_stale() -> None:
    assert counted(START, record(AlertType.ESCALATED, 71, Level.EXTREME, 14)).stale == 1
    assert counted(START, record(AlertType.ESCALATED, 71, Level.EXTREME, 75)).stale == 0


def test_the_delay_is_from_the_level_to_the_message_that_names_it_or_a_higher_one() -> None:
    major = record(AlertType.ESCALATED, 20, Level.MAJOR, 61)
    tally = counted(
        START,
        major,
        reached={("one", 0): 10_000, ("one", 1): 17_000, ("one", 2): 18_000, ("one", 3): 30_000},
    )
    assert tally.late_ms == [3_000, 2_000]
    assert (tally.late, tally.untold_steps) == (1, 1)


def test_levels_of_cascades_that_nobody_was_told_of_are_left_out() -> None:
    assert counted(replace(START, notify=False), reached={("one", 2): 1}) == LevelTally()


def test_the_levels_of_a_recording_are_seen_where_records_name_them() -> None:
    alerts, reached = alerts_and_levels(observations_of(THREE_VENUES))
    ranks = {Level.MINOR: 0, Level.MODERATE: 1, Level.MAJOR: 2, Level.EXTREME: 3}
    ends = [alert for alert in alerts if alert.type is AlertType.ENDED]
    assert len(ends) > 20
    highest = {
        end.cascade_id: max(level for (name, level) in reached if name == end.cascade_id)
        for end in ends
    }
    assert highest == {end.cascade_id: ranks[end.level] for end in ends}
    for alert in alerts:
        if alert.type is AlertType.ESCALATED:
            assert reached[alert.cascade_id, ranks[alert.level]] <= alert.timestamp_ms
