"""Many assets at once: one cascade of the market, and links of those of single assets to it."""

from dataclasses import replace
from functools import cache
from itertools import permutations

import pytest

from liq.processors.cascades import (
    CascadeEngine,
    DetectorConfig,
    MarketDetector,
    PartitionDetector,
    SnapshotError,
)
from liq.processors.cascades.snapshot import market_from_bytes, market_to_bytes
from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Scope, Side
from tests.support.cascade_events import liquidation

CONFIG = DetectorConfig()
SOURCES = (0, 1, 2)


def crash(assets: int = 30, seconds: int = 60, value_usd: str = "9000") -> list[Liquidation]:
    """Long liquidations of many assets, of which A0 is hit twice a second."""
    events = [
        liquidation(
            f"{second}-{number}",
            second * 1_000 + number * 10,
            base=f"A{number}",
            exchange=("binance", "bybit", "okx")[(second + number) % 3],
            value_usd=value_usd,
        )
        for second in range(seconds)
        for number in range(assets)
    ]
    events += [
        liquidation(f"x{number}", number * 500 + 5, base="A0", value_usd="40000")
        for number in range(2 * seconds)
    ]
    return sorted(events, key=lambda event: event.received_at_ms)


def run(events: list[Liquidation]) -> list[CascadeAlert]:
    engine = CascadeEngine(CONFIG)
    made = [alert for place, event in enumerate(events) for alert in engine.apply(event, place)]
    made += engine.finish()
    return [alert for alert in made if alert.type is not AlertType.WATCH]


def of_market(alerts: list[CascadeAlert]) -> list[CascadeAlert]:
    return [alert for alert in alerts if alert.scope is Scope.MARKET]


def test_a_crash_is_one_market_cascade() -> None:
    market = of_market(crash_alerts())
    assert len({alert.cascade_id for alert in market}) == 1
    assert (market[0].type, market[-1].type) == (AlertType.DETECTED, AlertType.ENDED)
    end = market[-1]
    assert (end.asset, end.side) == ("", Side.LONG)
    assert end.event_count == len(crash())
    assert end.total_value_usd == sum(event.value_usd for event in crash())
    assert end.exchanges == ("binance", "bybit", "okx")
    assert len(end.symbols) == 30
    assert end.explanation.startswith("Market longs")


@cache
def crash_alerts() -> list[CascadeAlert]:
    return run(crash())


def links(alerts: list[CascadeAlert]) -> list[CascadeAlert]:
    return [alert for alert in alerts if alert.type is AlertType.LINKED]


def own(alerts: list[CascadeAlert]) -> list[CascadeAlert]:
    """Decided by single assets."""
    return [
        alert
        for alert in alerts
        if alert.scope is Scope.ASSET and alert.type is not AlertType.LINKED
    ]


def test_the_cascades_of_its_assets_are_its_children_each_linked_once() -> None:
    alerts = crash_alerts()
    market = of_market(alerts)
    linked = [alert.cascade_id for alert in links(alerts)]
    assert len(linked) > 1
    assert sorted(linked) == sorted(market[-1].children)
    assert set(linked) == {alert.cascade_id for alert in own(alerts)}
    assert {alert.parent_id for alert in links(alerts)} == {market[0].cascade_id}
    assert not any(alert.notify for alert in links(alerts))


def test_an_asset_says_what_it_says_without_the_market() -> None:
    partition = PartitionDetector(CONFIG)
    made = [item for place, event in enumerate(crash()) for item in partition.apply(event, place)]
    made += partition.finish()
    expected = [
        item for item in made if isinstance(item, CascadeAlert) and item.type is not AlertType.WATCH
    ]
    assert written(own(crash_alerts())) == written(expected)
    assert any(alert.notify for alert in expected)
    assert {alert.parent_id for alert in expected} == {None}


def wave(start_ms: int, seconds: int, base: str = "A0") -> list[Liquidation]:
    """Long liquidations of one asset, twice a second."""
    return [
        liquidation(
            f"{base}-{start_ms}-{number}",
            start_ms + number * 500 + 5,
            base=base,
            exchange=("binance", "bybit", "okx")[number % 3],
            value_usd="40000",
        )
        for number in range(2 * seconds)
    ]


def later(events: list[Liquidation], by_ms: int, without: str = "") -> list[Liquidation]:
    return [
        replace(
            event,
            event_id=f"{event.event_id}+{by_ms}",
            timestamp_ms=event.timestamp_ms + by_ms,
            received_at_ms=event.received_at_ms + by_ms,
        )
        for event in events
        if event.base != without
    ]


def merged(*parts: list[Liquidation]) -> list[Liquidation]:
    return sorted(
        (event for part in parts for event in part), key=lambda event: event.received_at_ms
    )


def test_a_link_has_the_numbers_of_the_newest_record_judged_by_then() -> None:
    alerts = run(merged(wave(0, 40), later(crash(), 40_000)))
    start = of_market(alerts)[0]
    for made in links(alerts):
        records = [alert for alert in own(alerts) if alert.cascade_id == made.cascade_id]
        before = [alert for alert in records if alert.timestamp_ms < start.timestamp_ms]
        newest = before[-1] if before else records[0]
        decided_ms = start.timestamp_ms if before else newest.timestamp_ms
        assert made == replace(
            newest,
            alert_id=made.alert_id,
            type=AlertType.LINKED,
            timestamp_ms=decided_ms,
            notify=False,
            parent_id=start.cascade_id,
            explanation=made.explanation,
        )
        assert start.cascade_id in made.explanation
    assert {made.sequence > 0 for made in links(alerts)} == {False, True}


def test_a_cascade_that_outlives_the_market_s_is_linked_to_the_next_one_too() -> None:
    """By its newest record since the first market cascade ended, or else by its next one."""
    calm = [wave(start_s * 1_000, 3) for start_s in range(75, 400, 45)]
    by_newest = run(merged(crash(), *calm, later(crash(), 250_000, without="A0")))
    silent_until_then = merged(
        crash(),
        *(wave(start_s * 1_000, 3) for start_s in (75, 120, 165, 210)),
        later(crash(), 185_000, without="A0"),
    )
    by_next = run(silent_until_then)
    for alerts, is_later in ((by_newest, False), (by_next, True)):
        starts = [alert for alert in of_market(alerts) if alert.type is AlertType.DETECTED]
        assert len(starts) == 2
        first, second = [made for made in links(alerts) if made.asset == "A0"]
        assert (first.cascade_id, first.parent_id) == (second.cascade_id, starts[0].cascade_id)
        assert second.parent_id == starts[1].cascade_id
        assert first.alert_id != second.alert_id
        assert (second.timestamp_ms > starts[1].timestamp_ms) is is_later
        assert second.cascade_id in starts[1].children


def test_a_link_comes_after_the_start_of_its_parent_and_the_record_that_it_repeats() -> None:
    alerts = crash_alerts()
    place = {alert.alert_id: place for place, alert in enumerate(alerts)}
    assert len(place) == len(alerts)
    start = of_market(alerts)[0]
    for made in links(alerts):
        repeated = next(
            alert
            for alert in own(alerts)
            if (alert.cascade_id, alert.sequence) == (made.cascade_id, made.sequence)
        )
        assert place[start.alert_id] < place[made.alert_id]
        assert place[repeated.alert_id] < place[made.alert_id]


def test_an_asset_on_the_other_side_is_no_child() -> None:
    shorts = [
        liquidation(
            f"s{number}",
            20_000 + number * 500,
            base="BTC",
            side=Side.SHORT,
            exchange=("binance", "bybit", "okx")[number % 3],
            value_usd="50000",
        )
        for number in range(40)
    ]
    alerts = run(sorted(crash() + shorts, key=lambda event: event.received_at_ms))
    ours = [alert for alert in alerts if alert.asset == "BTC"]
    assert ours
    assert {alert.parent_id for alert in ours} == {None}
    assert ours[0].notify


def test_few_assets_are_no_market() -> None:
    assert of_market(run(crash(assets=7))) == []


def outputs(events: list[Liquidation]) -> dict[int, list[tuple[int, object]]]:
    """What three partitions of the log say, each with the clock that it had reached before."""
    said: dict[int, list[tuple[int, object]]] = {}
    for source in SOURCES:
        partition = PartitionDetector(CONFIG)
        said[source] = []
        for place, event in enumerate(events):
            before_ms = partition.clock_ms
            mine = int(event.base[1:]) % len(SOURCES) == source
            made = (
                partition.apply(event, place)
                if mine
                else partition.heartbeat(event.received_at_ms, place)
            )
            said[source] += [(before_ms, item) for item in made]
        end_ms = events[-1].received_at_ms + 200_000
        before_ms = partition.clock_ms
        said[source] += [(before_ms, item) for item in partition.heartbeat(end_ms, len(events))]
        said[source].append((end_ms, None))
    return said


@cache
def said_of_a_crash() -> dict[int, list[tuple[int, object]]]:
    return outputs(crash())


@cache
def said_and_judged_out_of_order() -> tuple[
    dict[int, list[tuple[int, object]]], list[CascadeAlert]
]:
    events = disordered(crash())
    return outputs(events), run(events)


def listen(
    market: MarketDetector, source: int, said: list[tuple[int, object]]
) -> list[CascadeAlert]:
    """As the stage does it: a partition's clock follows everything that was said by then."""
    made, reached_ms = [], 0
    for before_ms, item in said:
        if before_ms != reached_ms:
            made += market.heartbeat(before_ms, source)
            reached_ms = before_ms
        is_watch = isinstance(item, CascadeAlert) and item.type is AlertType.WATCH
        if item is not None and not is_watch:
            market.add(item, before_ms, source)  # type: ignore[arg-type]
    return made


def listen_to_the_end(
    market: MarketDetector, source: int, said: list[tuple[int, object]]
) -> list[CascadeAlert]:
    return [*listen(market, source, said), *market.heartbeat(said[-1][0], source)]


def written(alerts: list[CascadeAlert]) -> list[bytes]:
    return sorted(encode(alert) for alert in alerts)


def published(said: dict[int, list[tuple[int, object]]], made: list[CascadeAlert]) -> list[bytes]:
    """What partitions publish themselves, and what the market's detector adds."""
    decided = [item for items in said.values() for _, item in items]
    alerts = [
        item
        for item in decided
        if isinstance(item, CascadeAlert) and item.type is not AlertType.WATCH
    ]
    return written(alerts + made)


def disordered(events: list[Liquidation]) -> list[Liquidation]:
    """The same events, those of every third asset written seconds after they were received."""
    return sorted(
        events,
        key=lambda event: event.received_at_ms + (4_500 if int(event.base[1:]) % 3 == 1 else 0),
    )


@pytest.mark.parametrize("order", list(permutations(SOURCES))[:4])
def test_nor_where_events_were_written_out_of_order(order: tuple[int, ...]) -> None:
    said, expected = said_and_judged_out_of_order()
    assert expected != crash_alerts(), "the order makes a difference to begin with"
    market = MarketDetector(CONFIG, SOURCES)
    made = [alert for source in order for alert in listen_to_the_end(market, source, said[source])]
    assert published(said, made) == written(expected)


@pytest.mark.parametrize("order", list(permutations(SOURCES))[:4])
def test_it_does_not_matter_how_partitions_interleave(order: tuple[int, ...]) -> None:
    said = said_of_a_crash()
    market = MarketDetector(CONFIG, SOURCES)
    made = [alert for source in order for alert in listen_to_the_end(market, source, said[source])]
    assert published(said, made) == written(crash_alerts())


def test_nothing_is_judged_before_every_partition_was_heard() -> None:
    said = said_of_a_crash()
    market = MarketDetector(CONFIG, SOURCES)
    assert listen_to_the_end(market, 0, said[0]) == []
    assert listen_to_the_end(market, 1, said[1]) == []
    assert listen_to_the_end(market, 2, said[2]) != []


def test_what_is_read_twice_is_counted_once() -> None:
    said = said_of_a_crash()
    market = MarketDetector(CONFIG, SOURCES)
    made = []
    for source in SOURCES:
        half = len(said[source]) // 2
        made += listen(market, source, said[source][:half])
        made += listen_to_the_end(market, source, said[source])
    assert published(said, made) == written(crash_alerts())


@pytest.mark.parametrize("cut", [10, 200, 300])
def test_a_restart_anywhere_changes_nothing(cut: int) -> None:
    said = said_of_a_crash()
    market = MarketDetector(CONFIG, SOURCES)
    made = listen_to_the_end(market, 0, said[0]) + listen_to_the_end(market, 1, said[1])
    made += listen(market, 2, said[2][:cut])
    stored = market_to_bytes(market.state)
    restarted = MarketDetector(CONFIG, SOURCES)
    restarted.state = market_from_bytes(stored, CONFIG, SOURCES)
    assert market_to_bytes(restarted.state) == stored
    assert restarted.state.cascades == market.state.cascades
    made += listen_to_the_end(restarted, 2, said[2][cut:])
    assert published(said, made) == written(crash_alerts())


def test_open_cascades_of_a_state_that_knows_no_records_of_them_are_linked_later() -> None:
    """Version 5 of the market's snapshots has neither the newest record nor `is_linked`."""
    events = merged(wave(0, 60), later(crash(), 40_000, without="A0"))
    expected = links(run(events))
    first = CascadeEngine(CONFIG)
    cut = next(place for place, event in enumerate(events) if event.base != "A0")
    for place, event in enumerate(events[:cut]):
        first.apply(event, place)
    [known] = first.market.state.cascades.values()
    assert known.newest is not None
    known.newest, known.is_linked = None, True
    alerts = [
        alert
        for place, event in enumerate(events[cut:], cut)
        for alert in first.apply(event, place)
    ]
    alerts += first.finish()
    assert {made.alert_id for made in links(alerts)} == {made.alert_id for made in expected}
    of_a0 = next(made for made in links(alerts) if made.asset == "A0")
    assert of_a0.timestamp_ms > of_market(alerts)[0].timestamp_ms


def test_only_open_cascades_without_a_running_market_keep_a_record() -> None:
    engine = CascadeEngine(CONFIG)
    kept: set[tuple[bool, bool]] = set()
    for place, event in enumerate(merged(wave(0, 40), later(crash(), 40_000))):
        engine.apply(event, place)
        state = engine.market.state
        kept |= {
            (known.side in state.running, known.newest is not None)
            for known in state.cascades.values()
        }
    assert kept == {(False, True), (True, False)}


@pytest.mark.parametrize("data", [b"", b"[1]", b"{}", b"[2,3]"])
def test_an_unreadable_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError):
        market_from_bytes(data, CONFIG, SOURCES)


def test_a_new_source_is_waited_for_from_the_last_second_that_was_judged() -> None:
    market = MarketDetector(CONFIG, [0, 1])
    for source, clock_ms in ((0, 9_000), (1, 7_000)):
        market.heartbeat(clock_ms, source)
    assert market.grow(4)
    assert not market.grow(4)
    assert not market.grow(3)
    assert market.state.sources == {0: 9, 1: 7, 2: 7, 3: 7}
    for source in (0, 1, 2):
        market.heartbeat(12_000, source)
    assert market.state.decided == 7
    market.heartbeat(11_000, 3)
    assert market.state.decided == 11
