"""Every history against its local venue, over real sockets: complete, polite, the live ids."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from liq.devstack.exchange import venues
from liq.devstack.exchange.dialect import START_MS
from liq.devstack.exchange.past import LocalHistory, Past
from liq.devstack.exchange.registry import dialect, find_pasts, past
from liq.producers.history.asker import Asker, AwayError
from liq.producers.history.paging import Progress
from liq.producers.history.registry import HISTORIES
from liq.producers.history.repair import Repair, Verdict
from liq.producers.history.spec import HistorySpec
from liq.producers.live.listing import new_client
from liq.schemas.vocabulary import Arrival, FeedEvent
from tests.support.histories import TIMING, PastClock, events_of, frames, live_frames, sources

pytestmark = pytest.mark.integration

PASTS = find_pasts(venues)
FROM_MS, TO_MS = START_MS + 30_000, START_MS + 90_000
Answers = list[tuple[HistorySpec, str, bytes]]


def repaired(
    history: LocalHistory, answers: Answers, progress: Progress | None = None, **bounds: int
) -> Verdict:
    """Repair a minute of a feed."""

    async def publish(spec: HistorySpec, subject: str, answer: bytes) -> None:
        answers.append((spec, subject, answer))

    async def run() -> Verdict:
        clock = PastClock()
        async with new_client(5.0) as client:
            repair = Repair(
                sources(history.past.exchange, history.past.feed, history.environment),
                (bounds.get("from_ms", FROM_MS), bounds.get("to_ms", TO_MS)),
                asker=Asker(clock, TIMING, client),
                publish=publish,
                progress=Progress() if progress is None else progress,
                clock=clock,
            )
            return await repair.run()

    return asyncio.run(run())


def ids(events: list[Any]) -> dict[str, int]:
    """The events' ids, with the second of each: a history may know no more of its time."""
    return {event.event_id: event.timestamp_ms // 1_000 for event in events}


def told(answers: Answers) -> list[Any]:
    found = [
        event
        for spec, subject, answer in answers
        for event in events_of(spec.exchange, spec.name, answer, subject)
    ]
    assert all(event.arrival is Arrival.BACKFILLED for event in found)
    return found


@pytest.mark.parametrize("declared", PASTS, ids=lambda each: f"{each.exchange}.{each.feed}")
def test_a_minute_comes_back_with_the_ids_of_the_live_feed(declared: Past) -> None:
    """1,200 events of two minutes: several pages everywhere."""
    sent = live_frames(declared, 1_200, 100)
    answers: Answers = []
    with LocalHistory(declared, scale=TIMING.limit_scale) as history:
        history.add(sent)
        verdict = repaired(history, answers)
    events = [event for each in sent for event in events_of(declared.exchange, declared.feed, each)]
    seen = ids(events)
    missed = ids([event for event in events if FROM_MS <= event.timestamp_ms <= TO_MS])
    found = ids(told(answers))
    assert missed.items() <= found.items() <= seen.items()
    assert (verdict.event, history.limited) == (FeedEvent.FILLED, 0)
    # Whole seconds make a row of the second's beginning one of the gap.
    assert 600 <= verdict.rows <= 611
    assert verdict.answers == len(history.asked)


def test_every_history_has_a_local_venue() -> None:
    declared = {(spec.exchange, spec.feed) for spec in HISTORIES}
    assert {(each.exchange, each.feed) for each in PASTS} == declared


def test_a_killed_repair_asks_nothing_twice() -> None:
    """The progress of every answer is enough to go on with, in another process."""
    declared, sent = past("dydx", "trades"), frames(dialect("dydx", "trades"), 1_200, 100)
    whole: Answers = []
    with LocalHistory(declared, scale=TIMING.limit_scale) as history:
        history.add(sent)
        repaired(history, whole)
        undisturbed = [call.query for call in history.asked]
    parts: Answers = []
    progress = Progress()
    with LocalHistory(declared, scale=TIMING.limit_scale) as history:
        history.add(sent)
        history.fails_after = 3
        with pytest.raises(AwayError):
            repaired(history, parts, progress)
        history.fails_after = None
        verdict = repaired(history, parts, progress)
        assert [call.query for call in history.asked] == undisturbed
    assert [answer for _, _, answer in parts] == [answer for _, _, answer in whole]
    assert verdict.event is FeedEvent.FILLED


@pytest.mark.parametrize(
    ("fault", "event", "words"),
    [
        ({"status": 404}, FeedEvent.UNRECOVERABLE, "answers 404"),
        ({"location": "http://203.0.113.1/elsewhere"}, FeedEvent.UNRECOVERABLE, "not followed"),
        ({"body": b"[]"}, FeedEvent.FILLED, "has 0 liquidations"),
        ({"body": b'[{"time": 17830000'}, FeedEvent.UNRECOVERABLE, "only the beginning"),
        ({"body": b'{"a": 1}'}, FeedEvent.UNRECOVERABLE, "cannot be read"),
        ({"body": b"[[1]]"}, FeedEvent.UNRECOVERABLE, "another form"),
        ({"body": b"<html>"}, FeedEvent.UNRECOVERABLE, "not JSON"),
        ({"body": b'[{"time": 1783000000000}]'}, FeedEvent.UNRECOVERABLE, "unit"),
        ({"body": b'[{"time": 1700000000}]'}, FeedEvent.UNRECOVERABLE, "another time"),
        ({"body": b"[" + b" " * 2_000_000 + b"]"}, FeedEvent.UNRECOVERABLE, "over 1048576 bytes"),
    ],
)
def test_an_answer_that_makes_no_sense_ends_as_a_sentence(
    fault: dict[str, Any], event: FeedEvent, words: str
) -> None:
    answers: Answers = []
    with LocalHistory(past("gate", "usdt"), scale=TIMING.limit_scale) as history:
        history.status = fault.get("status")
        history.location = fault.get("location", "")
        if "body" in fault:
            history.bodies.append(fault["body"])
        verdict = repaired(history, answers)
    assert (verdict.event, answers) == (event, [])
    assert words in verdict.detail


def test_an_endless_history_ends() -> None:
    """Every page is full and of one millisecond: what cannot be told is said."""
    row = ["pos", 1, START_MS + 40_000, None, "tBTCF0:USTF0", 0.5, 6e4, None, 1, 1, None, 59e3]
    page = json.dumps([[row]] * 500).encode()
    answers: Answers = []
    with LocalHistory(past("bitfinex", "status"), scale=TIMING.limit_scale) as history:
        history.bodies.extend([page] * 50)
        verdict = repaired(history, answers, to_ms=START_MS + 40_003)
    assert verdict.event is FeedEvent.PARTLY
    assert "more than 500 rows" in verdict.detail
    assert len(history.asked) <= 5


def fills(count: int, first_ms: int, every_ms: int) -> list[Any]:
    """Fills of one account, whose times begin `first_ms` after the frames' beginning."""
    declared = dialect("hyperliquid", "userFills")
    return [declared.frame("BTC", first_ms + number * every_ms) for number in range(count)]


def test_an_account_with_more_fills_than_an_answer_has_is_asked_for_in_parts() -> None:
    """Whichever of a time's fills a full answer has."""
    sent = fills(4_500, 20_000, 10)
    answers: Answers = []
    with LocalHistory(past("hyperliquid", "userFills"), scale=TIMING.limit_scale) as history:
        history.add(sent)
        verdict = repaired(history, answers, from_ms=START_MS + 21_000)
    assert verdict.event is FeedEvent.FILLED
    expected = [
        event for each in sent[100:] for event in events_of("hyperliquid", "userFills", each)
    ]
    assert len(expected) == verdict.rows == 4_400
    assert ids(told(answers)) == ids(expected)
    assert history.limited == 0


def test_a_history_of_the_newest_rows_that_begins_after_the_gap_is_partly() -> None:
    """An account with few fills has all of them in its history."""
    with LocalHistory(past("hyperliquid", "userFills"), scale=TIMING.limit_scale) as history:
        assert repaired(history, []).event is FeedEvent.FILLED
        history.add(fills(10_001, 31_000, 1))
        verdict = repaired(history, [], to_ms=START_MS + 32_000)
    assert (verdict.event, verdict.rows) == (FeedEvent.PARTLY, 1_000)
    assert "newest 10,000 rows only" in verdict.detail


def test_accounts_that_the_producer_follows_for_a_while_are_not_filled() -> None:
    declared = replace(past("hyperliquid", "userFills"), settings={"HYPERLIQUID_USERS": "0x1"})
    with LocalHistory(declared, scale=TIMING.limit_scale) as history:
        verdict = repaired(history, [])
        assert {call.query["user"] for call in history.asked} == {"0x1"}
    assert verdict.event is FeedEvent.PARTLY
    assert "sensors were not asked for" in verdict.detail


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"is_cut": True}])
def test_a_venue_that_does_not_answer_is_asked_a_few_times(fault: dict[str, Any]) -> None:
    with LocalHistory(past("gate", "usdt"), scale=TIMING.limit_scale) as history:
        for name, value in fault.items():
            setattr(history, name, value)
        with pytest.raises(AwayError, match="3 times"):
            repaired(history, [])


def test_a_history_that_reaches_back_too_little_says_so() -> None:
    day_ms = 86_400_000
    with LocalHistory(past("okx", "public"), scale=TIMING.limit_scale) as history:
        old = repaired(history, [], from_ms=START_MS - 3 * day_ms, to_ms=START_MS - 2 * day_ms)
        assert (old.event, history.asked) == (FeedEvent.UNRECOVERABLE, [])
        assert "24 hours" in old.detail
        history.add(frames(dialect("okx", "public"), 10, 100))
        partly = repaired(history, [], from_ms=START_MS - 2 * day_ms)
    assert (partly.event, partly.rows) == (FeedEvent.PARTLY, 10)
