"""Many assets at once: one cascade of the market, and those of single assets are part of it."""

from itertools import permutations

import pytest

from liq.processors.cascades import CascadeEngine, DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.cascades.snapshot import SnapshotError, market_from_bytes, market_to_bytes
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
    market = of_market(run(crash()))
    assert len({alert.cascade_id for alert in market}) == 1
    assert (market[0].type, market[-1].type) == (AlertType.DETECTED, AlertType.ENDED)
    end = market[-1]
    assert (end.asset, end.side) == ("", Side.LONG)
    assert end.event_count == len(crash())
    assert end.total_value_usd == sum(event.value_usd for event in crash())
    assert end.exchanges == ("binance", "bybit", "okx")
    assert len(end.symbols) == 30
    assert end.explanation.startswith("Market longs")


def test_the_cascades_of_its_assets_are_its_children_and_silent() -> None:
    alerts = run(crash())
    market = of_market(alerts)
    own = [alert for alert in alerts if alert.scope is Scope.ASSET]
    assert own
    late = [alert for alert in own if alert.timestamp_ms > market[0].timestamp_ms]
    assert {alert.parent_id for alert in late} == {market[0].cascade_id}
    assert not any(alert.notify for alert in late)
    assert {alert.cascade_id for alert in own} == set(market[-1].children)


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


def disordered(events: list[Liquidation]) -> list[Liquidation]:
    """The same events, those of every third asset written seconds after they were received."""
    return sorted(
        events,
        key=lambda event: event.received_at_ms + (4_500 if int(event.base[1:]) % 3 == 1 else 0),
    )


@pytest.mark.parametrize("order", list(permutations(SOURCES))[:4])
def test_nor_where_events_were_written_out_of_order(order: tuple[int, ...]) -> None:
    events = disordered(crash())
    assert run(events) != run(crash()), "the order makes a difference to begin with"
    said = outputs(events)
    market = MarketDetector(CONFIG, SOURCES)
    made = [alert for source in order for alert in listen_to_the_end(market, source, said[source])]
    assert made == run(events)


@pytest.mark.parametrize("order", list(permutations(SOURCES))[:4])
def test_it_does_not_matter_how_partitions_interleave(order: tuple[int, ...]) -> None:
    said = outputs(crash())
    market = MarketDetector(CONFIG, SOURCES)
    made = [alert for source in order for alert in listen_to_the_end(market, source, said[source])]
    assert made == run(crash())


def test_nothing_is_judged_before_every_partition_was_heard() -> None:
    said = outputs(crash())
    market = MarketDetector(CONFIG, SOURCES)
    assert listen_to_the_end(market, 0, said[0]) == []
    assert listen_to_the_end(market, 1, said[1]) == []
    assert listen_to_the_end(market, 2, said[2]) != []


def test_what_is_read_twice_is_counted_once() -> None:
    said = outputs(crash())
    market = MarketDetector(CONFIG, SOURCES)
    made = []
    for source in SOURCES:
        half = len(said[source]) // 2
        made += listen(market, source, said[source][:half])
        made += listen_to_the_end(market, source, said[source])
    assert made == run(crash())


@pytest.mark.parametrize("cut", [10, 200, 300])
def test_a_restart_anywhere_changes_nothing(cut: int) -> None:
    said = outputs(crash())
    market = MarketDetector(CONFIG, SOURCES)
    made = listen_to_the_end(market, 0, said[0]) + listen_to_the_end(market, 1, said[1])
    made += listen(market, 2, said[2][:cut])
    stored = market_to_bytes(market.state)
    restarted = MarketDetector(CONFIG, SOURCES)
    restarted.state = market_from_bytes(stored, CONFIG, SOURCES)
    assert market_to_bytes(restarted.state) == stored
    made += listen_to_the_end(restarted, 2, said[2][cut:])
    assert made == run(crash())


@pytest.mark.parametrize("data", [b"", b"[1]", b"{}", b"[2,3]"])
def test_an_unreadable_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError):
        market_from_bytes(data, CONFIG, SOURCES)
