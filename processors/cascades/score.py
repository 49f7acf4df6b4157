"""Risk scores of a cascade, from what its window holds.

Five parts between 0 and 1 make the risk score; each is 0 for nothing noteworthy and 1 where more
would say nothing new. Speed and volume carry it. The other three describe the quality of the
move and count only as far as there are speed and volume to describe.
"""

from collections.abc import Collection
from dataclasses import dataclass
from math import log, sqrt

from processors.cascades.config import DetectorConfig
from processors.cascades.money import MICROS_PER_DOLLAR
from processors.cascades.window import SLICES_PER_BURST, SLICES_PER_WINDOW, TrailingWindow
from schemas.records import ScoreParts

# Speed is one half at this multiple of the threshold rate.
HALF_SPEED_MULTIPLE = 3
# Volume is 1 at this multiple of the threshold value: 10M USD by default.
FULL_VOLUME_MULTIPLE = 100
# Breadth is 1 with two and a half venues that take part evenly.
FULL_BREADTH_VENUES = 2.5

SPEED_WEIGHT, VOLUME_WEIGHT = 0.30, 0.30
IMBALANCE_WEIGHT, CONCENTRATION_WEIGHT, BREADTH_WEIGHT = 0.15, 0.10, 0.15

BASIC_RATE_POINTS = 10
BASIC_MILLION_POINTS = 5
BASIC_MILLIONS_CAP = 10
MAX_SCORE = 100

PART_DECIMALS = 4
SCORE_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Assessment:
    """How serious a window is; `long_ratio` is the longs' share of its dollars."""

    risk_score: float
    parts: ScoreParts
    basic_risk_score: float
    long_ratio: float


def speed(count: int, min_events: int) -> float:
    """Saturating in the event rate as a multiple of the threshold's."""
    return count / (count + HALF_SPEED_MULTIPLE * min_events)


def volume(micro_usd: int, min_micro_usd: int) -> float:
    """Logarithmic in the dollars as a multiple of the threshold's."""
    return min(1.0, log(1 + micro_usd / min_micro_usd) / log(1 + FULL_VOLUME_MULTIPLE))


def imbalance(side_micro_usd: int, other_micro_usd: int, min_micro_usd: int) -> float:
    """How far this side outweighs the other; half the threshold value damps small sums."""
    total = side_micro_usd + other_micro_usd + min_micro_usd / 2
    return max(0.0, (side_micro_usd - other_micro_usd) / total)


def concentration(burst_micro_usd: int, micro_usd: int) -> float:
    """How bunched in time: 0 when dollars come evenly, 1 when one burst holds them all."""
    if not micro_usd:
        return 0.0
    even = SLICES_PER_BURST / SLICES_PER_WINDOW
    return max(0.0, (burst_micro_usd / micro_usd - even) / (1 - even))


def breadth(cells: Collection[int]) -> float:
    """How many venues take part, as the effective number (inverse Herfindahl index) of cells."""
    squares = sum(cell * cell for cell in cells)
    if not squares:
        return 0.0
    effective = sum(cells) ** 2 / squares
    return min(1.0, (effective - 1) / (FULL_BREADTH_VENUES - 1))


def risk_score(parts: ScoreParts) -> float:
    """0 to 100; never falls when a part rises."""
    quality = (
        IMBALANCE_WEIGHT * parts.imbalance
        + CONCENTRATION_WEIGHT * parts.concentration
        + BREADTH_WEIGHT * parts.breadth
    )
    base = SPEED_WEIGHT * parts.speed + VOLUME_WEIGHT * parts.volume
    return round(MAX_SCORE * (base + sqrt(parts.speed * parts.volume) * quality), SCORE_DECIMALS)


def basic_risk_score(count: int, micro_usd: int, window_seconds: int) -> float:
    """The simple score: ten points per event a second, five per million USD up to ten million."""
    rate = count / window_seconds
    millions = micro_usd / MICROS_PER_DOLLAR / 1_000_000
    score = rate * BASIC_RATE_POINTS + min(millions, BASIC_MILLIONS_CAP) * BASIC_MILLION_POINTS
    return round(min(score, MAX_SCORE), SCORE_DECIMALS)


def assess(
    config: DetectorConfig, window: TrailingWindow, other: TrailingWindow, *, is_long: bool
) -> Assessment:
    """Judge the window of one side; `other` is the opposite side of the same asset."""
    floor = config.min_value_micro_usd
    own = window.micro_usd
    opposite = other.micro_usd_between(window.newest_ms - window.width_ms, window.newest_ms)
    parts = ScoreParts(
        speed=round(speed(window.count, config.min_events), PART_DECIMALS),
        volume=round(volume(own, floor), PART_DECIMALS),
        imbalance=round(imbalance(own, opposite, floor), PART_DECIMALS),
        concentration=round(concentration(window.busiest_burst_micro_usd(), own), PART_DECIMALS),
        breadth=round(breadth(window.venue_cells.values()), PART_DECIMALS),
    )
    longs = own if is_long else opposite
    return Assessment(
        risk_score=risk_score(parts),
        parts=parts,
        basic_risk_score=basic_risk_score(window.count, own, config.window_seconds),
        long_ratio=round(longs / (own + opposite), PART_DECIMALS) if own + opposite else 0.0,
    )
