"""Records of assets, of the market, and links between them are a function of the log.

Partitions run as the detecting stage runs them, in batches, and crash between publishing and
storing; the market's detector reads what they say in any order, and crashes too. What all of them
publish is compared with what one reader of the whole log says.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from liq.processors.cascades import CascadeEngine, DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.cascades.partition import Made
from liq.processors.cascades.snapshot import market_from_bytes, market_to_bytes
from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Scope, Side
from tests.support.cascade_events import START_MS, liquidation
from tests.support.examples import examples

CONFIG = DetectorConfig()
VENUES = ("binance", "bybit", "okx")
QUIET_MS = 200_000
# Of a source: the clock before, and what was said; None is a heartbeat.
Said = tuple[int, Made | None]


def log_of(chance: random.Random) -> list[Liquidation]:
    """Waves of single assets, and one to three seconds in which many assets begin to fall."""
    events: list[Liquidation] = []
    length_ms = 420_000
    for number in range(chance.randint(4, 12)):
        base, side = f"A{chance.randrange(30)}", chance.choice(tuple(Side))
        start_ms = chance.randrange(length_ms)
        events += [
            fall(chance, f"w{number}-{step}", base, side, start_ms + step * 500, "40000")
            for step in range(chance.randint(5, 80))
        ]
    for number in range(chance.randint(1, 3)):
        side, start_ms = chance.choice(tuple(Side)), chance.randrange(length_ms)
        events += [
            fall(chance, f"c{number}-{step}-{place}", f"A{place}", side, start_ms + step * 1_000)
            for step in range(chance.randint(10, 40))
            for place in range(30)
            if chance.random() < 0.7
        ]
    return sorted(events, key=lambda event: (event.received_at_ms, event.event_id))


def fall(  # noqa: PLR0913, PLR0917 - a liquidation has that many properties
    chance: random.Random, name: str, base: str, side: Side, at_ms: int, value_usd: str = "9000"
) -> Liquidation:
    at_ms += chance.randrange(400)
    made = liquidation(name, at_ms, base=base, side=side, value_usd=value_usd)
    delay_ms = chance.choice((50, 300, 1_500))
    return replace(
        made, exchange=chance.choice(VENUES), received_at_ms=made.timestamp_ms + delay_ms
    )


@dataclass
class Run:
    """The workers of one run: what is on the topics after it."""

    chance: random.Random
    partitions: int
    published: list[CascadeAlert] = field(default_factory=list)

    def of(self, events: list[Liquidation], end_ms: int) -> list[CascadeAlert]:
        said = [list(self._detect(source, events, end_ms)) for source in range(self.partitions)]
        self._judge(list(self._interleaved(said)))
        return self.published

    def _detect(self, source: int, events: list[Liquidation], end_ms: int) -> Iterator[Said]:
        """Run one partition to its end; every batch that is repeated is published again."""
        log = list(self._partition(source, events, end_ms))
        place, stored, committed = 0, dict[str, bytes](), PartitionDetector(CONFIG)
        while place < len(log):
            batch = log[place : place + self.chance.randint(1, 40)]
            for offset, (clock_ms, event) in enumerate(batch, place):
                before_ms = committed.clock_ms
                made = (
                    committed.heartbeat(clock_ms, offset)
                    if event is None
                    else committed.apply(event, offset)
                )
                self._publish(made)
                yield from ((before_ms, item) for item in made)
            if self.chance.random() < 0.1:
                committed = PartitionDetector(CONFIG)
                committed.restore(stored, max((clock for clock, _ in log[:place]), default=0))
                continue
            yield committed.clock_ms, None
            changes = committed.touched()
            stored |= {name: data for name, data in changes.items() if data is not None}
            place += len(batch)

    def _partition(
        self, source: int, events: list[Liquidation], end_ms: int
    ) -> Iterator[tuple[int, Liquidation | None]]:
        """The partition's log: its assets' events, and heartbeats now and then."""
        for event in events:
            if int(event.base[1:]) % self.partitions == source:
                yield event.received_at_ms, event
            elif self.chance.random() < 0.1:
                yield event.received_at_ms, None
        yield end_ms, None

    def _publish(self, made: list[Made]) -> None:
        self.published += [item for item in made if isinstance(item, CascadeAlert)]

    def _interleaved(self, said: list[list[Said]]) -> Iterator[tuple[int, Said]]:
        places = [0] * len(said)
        while left := [source for source, items in enumerate(said) if places[source] < len(items)]:
            source = self.chance.choice(left)
            stretch = self.chance.randint(1, 200)
            for item in said[source][places[source] : places[source] + stretch]:
                yield source, item
            places[source] += stretch

    def _judge(self, pulses: list[tuple[int, Said]]) -> None:
        """Run the market's detector; a crash continues at the last state that was stored."""
        sources = range(self.partitions)
        market = MarketDetector(CONFIG, sources)
        place, stored = 0, (0, market_to_bytes(market.state))
        crashes = 5
        while place < len(pulses):
            source, (clock_ms, item) = pulses[place]
            place += 1
            if item is None:
                self.published += market.heartbeat(clock_ms, source)
            elif not isinstance(item, CascadeAlert) or item.type is not AlertType.WATCH:
                market.add(item, clock_ms, source)
            if self.chance.random() < 0.02:
                stored = place, market_to_bytes(market.state)
            elif crashes and self.chance.random() < 0.01:
                crashes -= 1
                market = MarketDetector(CONFIG, sources)
                place, data = stored
                market.state = market_from_bytes(data, CONFIG, sources)


def read_in_one_piece(events: list[Liquidation], end_ms: int) -> list[CascadeAlert]:
    engine = CascadeEngine(CONFIG)
    made = [alert for place, event in enumerate(events) for alert in engine.apply(event, place)]
    return made + engine.heartbeat(end_ms, len(events))


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(0, 10**9), st.sampled_from((1, 2, 3, 7)))
def test_workers_publish_the_records_of_one_reader_however_they_crash(
    seed: int, partitions: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    events = log_of(chance)
    end_ms = START_MS + 420_000 + 80_000 + QUIET_MS
    published = Run(chance, partitions).of(events, end_ms)
    expected = read_in_one_piece(events, end_ms)
    assert {encode(alert) for alert in published} == {encode(alert) for alert in expected}
    assert len({alert.alert_id for alert in expected}) == len(expected)


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(0, 10**9))
def test_every_child_has_one_link_to_each_of_its_parents(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    alerts = read_in_one_piece(log_of(chance), START_MS + 500_000 + QUIET_MS)
    links = [alert for alert in alerts if alert.type is AlertType.LINKED]
    records = {
        (alert.cascade_id, alert.sequence): alert
        for alert in alerts
        if alert.type not in {AlertType.LINKED, AlertType.WATCH}
    }
    children = {
        (child, alert.cascade_id)
        for alert in alerts
        if alert.scope is Scope.MARKET
        for child in alert.children
    }
    pairs = [(link.cascade_id, link.parent_id) for link in links]
    assert len(set(pairs)) == len(pairs)
    assert children == set(pairs)
    for link in links:
        repeated = records[link.cascade_id, link.sequence]
        assert (link.started_at_ms, link.total_value_usd, link.analysis) == (
            repeated.started_at_ms,
            repeated.total_value_usd,
            repeated.analysis,
        )
        assert link.timestamp_ms >= repeated.timestamp_ms
    assert {alert.parent_id for alert in records.values()} <= {None}
