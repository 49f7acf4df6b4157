"""Findings of the doctor: a level, a sentence with the remedy, and the exit code."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

EXIT_OK: Final = 0
EXIT_WRONG: Final = 2
EXIT_NOT_REACHED: Final = 69  # EX_UNAVAILABLE of sysexits


class Level(StrEnum):
    """The severity of a finding; `not reached` is a failure of the network path."""

    SKIPPED = "skipped"
    OK = "ok"
    WARNING = "warning"
    NOT_REACHED = "not reached"
    FAILED = "failed"


_ORDER: Final = {level: number for number, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: its level, and a sentence for a person."""

    level: Level
    sentence: str


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the engine's environment, and its findings."""

    name: str
    level: Level
    sentence: str


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst level; `ok` without levels."""
    return max(levels, key=_ORDER.__getitem__, default=Level.OK)


def summary(findings: list[Finding]) -> Finding:
    """Join the findings of the worst level; lesser findings appear once those are resolved."""
    level = worst(finding.level for finding in findings)
    return Finding(level, " ".join(each.sentence for each in findings if each.level is level))


def exit_code(level: Level) -> int:
    """Return the exit code of a whole examination; warnings alone are no failure."""
    if level is Level.FAILED:
        return EXIT_WRONG
    return EXIT_NOT_REACHED if level is Level.NOT_REACHED else EXIT_OK
