"""Judgements of the doctor: a level, a sentence that says what to do, and the exit code."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

EXIT_OK: Final = 0
EXIT_WRONG: Final = 2
EXIT_NOT_REACHED: Final = 69  # EX_UNAVAILABLE of sysexits


class Level(StrEnum):
    """How bad it is; `not reached` is a failure of the way, not of what is at its end."""

    SKIPPED = "skipped"
    OK = "ok"
    WARNING = "warning"
    NOT_REACHED = "not reached"
    FAILED = "failed"


_ORDER: Final = {level: number for number, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement: its level, and a sentence for a person."""

    level: Level
    sentence: str


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the engine's surroundings, and what was found."""

    name: str
    level: Level
    sentence: str


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst level; `ok` if there is none."""
    return max(levels, key=_ORDER.__getitem__, default=Level.OK)


def summary(findings: list[Finding]) -> Finding:
    """Join the findings of the worst level; what is less bad waits until those are mended."""
    level = worst(finding.level for finding in findings)
    return Finding(level, " ".join(each.sentence for each in findings if each.level is level))


def exit_code(level: Level) -> int:
    """Return the exit code of a whole examination. A warning alone is no failure."""
    if level is Level.FAILED:
        return EXIT_WRONG
    return EXIT_NOT_REACHED if level is Level.NOT_REACHED else EXIT_OK
