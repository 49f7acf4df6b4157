"""Decoys in a synthetic day: events that resemble cascades but are not."""

import random
from collections.abc import Iterator, Sequence

from benchmarks.detection.assets import MAJORS, Asset
from benchmarks.detection.background import size_cents
from benchmarks.detection.events import TrueLiquidation
from benchmarks.detection.planted import MARGIN_SECONDS
from benchmarks.detection.venues import COMPLETE, DAY_START_MS, Published, choose_venue
from liq.schemas.units import DAY_SECONDS
from liq.schemas.vocabulary import Side

WHALES, SPLIT_ORDERS, CHOPS, REPLAYS, STALE_BATCHES = 4, 3, 3, 2, 1
REPLAYED_MESSAGES = 150


def decoys(
    random_numbers: random.Random, traded: tuple[Asset, ...], first_family: int
) -> list[TrueLiquidation]:
    """Return lone whales, single orders in many fills, and two-sided chop."""
    made: list[TrueLiquidation] = []
    makers = [_whale] * WHALES + [_split_order] * SPLIT_ORDERS + [_chop] * CHOPS
    for number, maker in enumerate(makers):
        made += maker(random_numbers, traded, _moment(random_numbers), first_family + number)
    return made


def _moment(random_numbers: random.Random) -> float:
    return random_numbers.uniform(MARGIN_SECONDS, DAY_SECONDS - MARGIN_SECONDS)


def _side(random_numbers: random.Random) -> Side:
    return random_numbers.choice((Side.LONG, Side.SHORT))


def _whale(
    random_numbers: random.Random, traded: tuple[Asset, ...], second: float, family: int
) -> Iterator[TrueLiquidation]:
    cents = round(random_numbers.uniform(300_000, 5_000_000)) * 100
    asset = random_numbers.choice(traded)
    venue = choose_venue(random_numbers)
    yield TrueLiquidation(second, asset.name, _side(random_numbers), cents, venue, family)


def _split_order(
    random_numbers: random.Random, traded: tuple[Asset, ...], second: float, family: int
) -> Iterator[TrueLiquidation]:
    asset, side = random_numbers.choice(traded), _side(random_numbers)
    fills = random_numbers.randint(30, 80)
    dollars = random_numbers.uniform(150_000, 2_000_000)
    for _ in range(fills):
        cents = round(100 * dollars / fills * random_numbers.uniform(0.3, 1.7))
        moment = second + random_numbers.uniform(0, 0.3)
        yield TrueLiquidation(moment, asset.name, side, cents, COMPLETE, family)


def _chop(
    random_numbers: random.Random, traded: tuple[Asset, ...], second: float, family: int
) -> Iterator[TrueLiquidation]:
    """Yield both sides of a major, for one to five minutes, at several times the usual rate."""
    asset = random_numbers.choice(traded[: len(MAJORS)])
    duration = random_numbers.uniform(60, 300)
    for _ in range(random_numbers.randint(30, 80)):
        moment = second + random_numbers.uniform(0, duration)
        cents = size_cents(random_numbers, asset)
        side = _side(random_numbers)
        yield TrueLiquidation(moment, asset.name, side, cents, choose_venue(random_numbers), family)


def repeated(random_numbers: random.Random, published: Sequence[Published]) -> list[Published]:
    """Return repeats of a venue's last messages, and a batch of events that are minutes old."""
    made: list[Published] = []
    for _ in range(REPLAYS):
        at_ms = DAY_START_MS + int(_moment(random_numbers) * 1000)
        last = [item for item in published if item[0].received_at_ms < at_ms]
        venue = random_numbers.choice(sorted({item[0].exchange for item in published}))
        last = [item for item in last if item[0].exchange == venue][-REPLAYED_MESSAGES:]
        made += [(event._replace(received_at_ms=at_ms), family) for event, family in last]
    for _ in range(STALE_BATCHES):
        at_ms = DAY_START_MS + int(_moment(random_numbers) * 1000)
        for number in range(random_numbers.randint(40, 120)):
            event, _ = random_numbers.choice(published)
            age_ms = random_numbers.randint(60_000, 600_000)
            stale = event._replace(
                event_id=f"stale{at_ms}{number}",
                timestamp_ms=at_ms - age_ms,
                received_at_ms=at_ms,
            )
            made.append((stale, -1))
    return made
