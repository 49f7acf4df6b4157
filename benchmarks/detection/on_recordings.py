"""Detectors on the recordings of `data/`: the timeliness of their messages in reference bursts."""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Final

from benchmarks.detection.bursts import (
    FLOOR_CENTS,
    FLOORS_CENTS,
    GAP_MS,
    GAPS_MS,
    BurstTally,
    reference_bursts,
)
from benchmarks.detection.incidents import Incident
from benchmarks.detection.limits import Limit
from benchmarks.detection.ours import adaptive_with_watches
from benchmarks.detection.page import markdown
from benchmarks.detection.recordings import RECORDINGS, VARIANTS, observations_of, variant
from benchmarks.detection.table import DETECTORS, OURS, Detector
from liq.schemas.units import SECOND_MS

WITH_WATCHES: Final = "adaptive, early signs too"
# A single buffer has neither asset nor side, so bursts cannot evaluate it.
COMPARED: Final = (
    OURS,
    WITH_WATCHES,
    *(name for name in DETECTORS if name != OURS and not name.startswith("basic")),
)
# The rules that are evaluated by every definition of a burst.
KEYED: Final = ("keyed by asset and side", "keyed, $250k")
HEADINGS: Final = (
    "bursts covered",
    "open before",
    "still to come: median",
    "mean",
    "incidents",
    "outside every burst",
)
Incidents = dict[str, list[Incident]]
"""A detector's incidents by recording."""


def incidents_on_recordings(detector: str) -> Incidents:
    """Run a detector on every recording."""
    detect = _detector(detector)
    return {name: detect(observations_of(name)) for name in RECORDINGS}


def tally(
    incidents: Incidents, *, floor_cents: int = FLOOR_CENTS, gap_ms: int = GAP_MS
) -> BurstTally:
    """Evaluate incidents by one definition of a burst, over all recordings."""
    counts = BurstTally()
    for name, found in incidents.items():
        bursts = reference_bursts(observations_of(name), floor_cents=floor_cents, gap_ms=gap_ms)
        counts.add(bursts, found)
    return counts


@cache
def tally_of_variants(detector: str) -> BurstTally:
    """Evaluate a detector on variants of the recordings, by the usual definition of a burst."""
    counts = BurstTally()
    for seed in range(VARIANTS):
        for name in RECORDINGS:
            observations = variant(observations_of(name), seed)
            counts.add(reference_bursts(observations), _detector(detector)(observations))
    return counts


def _detector(name: str) -> Detector:
    return adaptive_with_watches if name == WITH_WATCHES else DETECTORS[name]


def limits(ours: BurstTally, of_variants: BurstTally) -> list[Limit]:
    """Return the limits on our detector, from the figures of the detector `adaptive-4`."""
    covered = of_variants.covered / max(1, len(of_variants.to_come))
    outside = of_variants.outside / max(1, of_variants.incidents)
    return [
        Limit("covered bursts", ours.covered, least=25),
        Limit("dollars still to come, median,", ours.median_to_come, least=0.45),
        Limit("incidents on the recordings", ours.incidents, most=36),
        Limit("incidents outside every burst", ours.outside, most=13),
        Limit("share of covered bursts on variants", covered, least=0.95),
        Limit("dollars still to come on variants", of_variants.median_to_come, least=0.42),
        Limit("share of incidents outside on variants", outside, most=0.4),
    ]


def report(found: dict[str, Incidents]) -> str:
    """Return the tables: all detectors by the usual definition, ours and keyed by every one."""
    usual = markdown(
        ("detector", *HEADINGS),
        ((name, *_figures(tally(incidents))) for name, incidents in found.items()),
    )
    names = [name for name in (OURS, *KEYED) if name in found]
    every = markdown(("least dollars", "gap", "detector", *HEADINGS), _by_definition(found, names))
    variants = markdown(
        ("detector", *HEADINGS), ((name, *_figures(tally_of_variants(name))) for name in names)
    )
    return (
        f"{usual}\n\nBy other definitions of a burst:\n\n{every}"
        f"\n\nOn {VARIANTS} variants of the recording:\n\n{variants}"
    )


def _figures(counts: BurstTally) -> tuple[str, ...]:
    return (
        f"{counts.covered} of {len(counts.to_come)}",
        str(counts.already_open),
        f"{counts.median_to_come:.2f}",
        f"{counts.mean_to_come:.2f}",
        str(counts.incidents),
        str(counts.outside),
    )


def _by_definition(found: dict[str, Incidents], names: list[str]) -> Iterator[tuple[str, ...]]:
    for floor_cents, gap_ms in product(FLOORS_CENTS, GAPS_MS):
        for name in names:
            counts = tally(found[name], floor_cents=floor_cents, gap_ms=gap_ms)
            floor, gap = f"${floor_cents // 100_000}k", f"{gap_ms // SECOND_MS} s"
            yield (floor, gap, name, *_figures(counts))
