"""One clock cannot blind the rest: bursts with wrong clocks give the alerts of the right ones."""

import pytest

from liq.processors.stages.clocks import EPISODE_MS, MOST_EPISODES, ClockEpisodes, Origin
from liq.runtime.believed_time import TOLERANCE_MS
from liq.runtime.metrics import CLOCK_CORRECTED
from liq.schemas.codec import decode, encode
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, FeedEvent
from tests.support import clock_log
from tests.support.clock_log import (
    BURST_MS,
    END_MS,
    HOUR_MS,
    RAW,
    START_MS,
    Producer,
    burst,
    frame,
    heartbeat,
    in_order,
    normalized,
    stamped,
    statuses,
)

RIGHT = Producer()


def outline(alerts: list[CascadeAlert]) -> list[tuple[AlertType, int, int]]:
    """Which steps there are, from when on, and over how many events."""
    return [(alert.type, alert.started_at_ms, alert.event_count) for alert in alerts]


def written(alerts: list[CascadeAlert]) -> list[bytes]:
    return [encode(alert) for alert in alerts]


def test_the_burst_is_one_cascade_with_a_right_clock() -> None:
    alerts = clock_log.alerts(burst(RIGHT))
    assert [alert.type for alert in alerts].count(AlertType.DETECTED) == 1
    assert alerts[-1].type is AlertType.ENDED
    assert alerts[0].timestamp_ms < BURST_MS + 10_000


@pytest.mark.parametrize("at_ms", [START_MS, BURST_MS + 15_000])
@pytest.mark.parametrize(
    "text",
    [
        b"%d" % ((BURST_MS + HOUR_MS) * 1_000_000),
        b"%d" % (BURST_MS * 1_000_000_000),
        b"9" * 30,
        b"9" * 5_000,
        b"0",
        b"-1",
        b"\xff",
    ],
)
def test_one_wrong_heartbeat_changes_no_byte(at_ms: int, text: bytes) -> None:
    records = burst(RIGHT)
    foreign = stamped(heartbeat(Producer("b"), at_ms), text)
    assert written(clock_log.alerts(in_order([*records, foreign]))) == written(
        clock_log.alerts(records)
    )


def test_one_wrong_frame_counts_when_it_was_appended() -> None:
    records = burst(RIGHT)
    place = [number for number, each in enumerate(records) if each.value is not None][30]
    wrong = stamped(records[place], b"%d" % ((BURST_MS + HOUR_MS) * 1_000_000))
    assert outline(clock_log.alerts([*records[:place], wrong, *records[place + 1 :]])) == outline(
        clock_log.alerts(records)
    )


@pytest.mark.parametrize("ahead_ms", [6_000, 30_000, 70_000, 120_000, HOUR_MS])
def test_two_producers_give_the_alerts_of_the_right_one(ahead_ms: int) -> None:
    records = in_order([*burst(RIGHT), *burst(Producer("b", ahead_ms))])
    assert outline(clock_log.alerts(records)) == outline(clock_log.alerts(burst(RIGHT)))


@pytest.mark.parametrize("ahead_ms", [-10_000, -70_000, -HOUR_MS])
def test_a_clock_that_lags_beside_a_right_one_changes_nothing(ahead_ms: int) -> None:
    lagging = burst(Producer("b", ahead_ms, delay_ms=5))
    records = in_order([*burst(RIGHT), *lagging])
    assert outline(clock_log.alerts(records)) == outline(clock_log.alerts(burst(RIGHT)))


@pytest.mark.parametrize("ahead_ms", [-HOUR_MS, -70_000, 30_000, HOUR_MS])
def test_an_only_producer_whose_clock_steps_detects_as_before(ahead_ms: int) -> None:
    right, stepped = burst(RIGHT), burst(Producer("a", ahead_ms))
    cut = START_MS + 10_000
    records = in_order(
        [each for each in right if each.timestamp < cut]
        + [each for each in stepped if each.timestamp >= cut]
    )
    found = outline(clock_log.alerts(records))
    expected = outline(clock_log.alerts(right))
    # A clock that lags ends the cascade with the next event only, for its heartbeats lag too.
    assert found == expected[: len(found)]
    assert len(found) >= len(expected) - (ahead_ms < 0)


def test_frames_that_a_producer_held_back_count_when_they_were_received() -> None:
    held = frame(Producer(delay_ms=HOUR_MS), BURST_MS)
    [event] = [
        decode(Liquidation, each.value) for each in normalized([held]) if each.value is not None
    ][:1]
    assert (event.received_at_ms, event.stamped_at_ms) == (BURST_MS, None)


def test_what_a_replay_writes_is_believed() -> None:
    replayed = [
        frame(Producer("replay:x.jsonl", delay_ms=40 * 24 * HOUR_MS), at_ms)
        for at_ms in (START_MS, END_MS)
    ]
    events = [decode(Liquidation, each.value) for each in normalized(replayed)]
    assert [event.received_at_ms for event in events] == [START_MS, END_MS]


def test_an_event_says_what_the_producer_said() -> None:
    ahead_ms = TOLERANCE_MS + 21
    [event] = [
        decode(Liquidation, each.value)
        for each in normalized([frame(Producer("b", ahead_ms), BURST_MS)])
        if each.topic == clock_log.TOPICS.events
    ]
    assert (event.received_at_ms, event.stamped_at_ms) == (BURST_MS + 20, BURST_MS + ahead_ms)


def test_a_lead_within_the_tolerance_is_believed() -> None:
    ahead_ms = TOLERANCE_MS + 20
    [record] = normalized([frame(Producer("b", ahead_ms), BURST_MS)])
    event = decode(Liquidation, record.value)
    assert (event.received_at_ms, event.stamped_at_ms) == (BURST_MS + ahead_ms, None)


@pytest.mark.parametrize("venue_ahead_ms", [180_000, 600_000, -180_000, -600_000])
def test_a_venue_whose_own_times_are_minutes_off_is_detected(venue_ahead_ms: int) -> None:
    alerts = clock_log.alerts(burst(RIGHT, venue_ahead_ms=venue_ahead_ms))
    expected = clock_log.alerts(burst(RIGHT))
    assert [alert.type for alert in alerts].count(AlertType.DETECTED) == 1
    assert (alerts[0].type, alerts[-1].type) == (AlertType.DETECTED, AlertType.ENDED)
    assert abs(alerts[0].timestamp_ms - expected[0].timestamp_ms) <= 2_000


def test_a_wrong_clock_is_reported_once_an_episode_and_counted_always() -> None:
    counted = CLOCK_CORRECTED.labels(RAW)
    before = counted._value.get()
    wrong = Producer("b", HOUR_MS)
    records = [heartbeat(wrong, START_MS + number * 1_000) for number in range(60)]
    [status] = statuses(normalized(records))
    assert (status.event, status.exchange, status.feed) == (FeedEvent.CLOCK, "bybit", "heartbeat")
    assert (status.connection, status.timestamp_ms) == ("b", START_MS + 20)
    assert status.detail == (
        "received_at_ns is 3600.0 s ahead of the broker's append time, which counts instead"
    )
    assert counted._value.get() - before == 60


def test_a_lagging_clock_is_reported_too() -> None:
    lagging = Producer("b", -HOUR_MS)
    [status] = statuses(normalized([frame(lagging, BURST_MS)]))
    assert status.detail == (
        "received_at_ns is 3600.0 s behind the broker's append time, which counts instead"
    )


def test_what_is_no_time_is_reported_with_its_text() -> None:
    record = stamped(heartbeat(RIGHT, START_MS), b"9" * 5_000)
    [status] = statuses(normalized([record]))
    assert status.detail == (
        f"received_at_ns is '{'9' * 40}', no time between 2010 and 2100; its append time counts"
    )


def test_an_episode_ends_after_ten_minutes_of_belief() -> None:
    episodes, origin = ClockEpisodes(), Origin("okx", "public", "c")
    times_ms = [0, EPISODE_MS - 1, 2 * EPISODE_MS - 2, 3 * EPISODE_MS - 2]
    told = [episodes.disbelieve(origin, START_MS + each, "") is not None for each in times_ms]
    assert told == [True, False, False, True]


def test_made_up_connections_cost_a_bounded_memory() -> None:
    episodes = ClockEpisodes()
    told = [
        episodes.disbelieve(Origin("okx", "public", str(number)), START_MS, "")
        for number in range(MOST_EPISODES + 10)
    ]
    assert sum(status is not None for status in told) == MOST_EPISODES
    later = episodes.disbelieve(Origin("okx", "public", "new"), START_MS + 2 * EPISODE_MS, "")
    assert later is not None
