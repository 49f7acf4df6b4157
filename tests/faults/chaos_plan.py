"""What a campaign does to a pipeline and when: a function of its seed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.faults.operations import CLOCKS
from tests.faults.pipeline import Role
from tests.support.topic_operations import Target

BROKER: Final = "broker"
CLICKHOUSE: Final = "clickhouse"
#: Beyond the session of a group (15 s), another worker would have the partitions.
FROZEN_SECONDS: Final = (1.0, 25.0)
#: From the end of an action to the beginning of the next, if that is not due later.
PAUSE_SECONDS: Final = (0.0, 8.0)
#: What an action takes by itself, about; the plan has too many of them rather than too few.
ACTION_SECONDS: Final = 5.0
OPEN_SECONDS: Final = (0.5, 6.0)
SECOND_WORKER_SECONDS: Final = (5.0, 20.0)
SKEWS_SECONDS: Final = (-3_600, -70, 70, 120, 3_600)
WORKERS: Final = (Role.NORMALIZE, Role.DETECT, Role.SINK)
RAW: Final = "raw"
EVENTS: Final = "events"
PULSE: Final = "pulse"
EVERY_TOPIC: Final = "every topic"
NO_STATES: Final = "every topic but those of states"


class Kind(StrEnum):
    """What is done."""

    FOREIGN = "write foreign records"
    ABORT = "abort a transaction"
    FLOOD = "flood with refused frames"
    CLOCK = "write with an odd clock"
    PRODUCER = "run a second producer whose clock is off"
    KILL = "kill"
    FREEZE = "freeze"
    WORKER = "let a second worker come and go"
    REMAKE = "delete and make again"
    TRUNCATE = "truncate"
    RESET = "reset offsets"
    UNREADABLE = "make stored states unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do, not before `at_seconds` of the campaign.

    `target` is a worker's role, a part, a topic's name or a clock; `how` says what to reset to.
    `seconds` is how long it lasts, or a skew. Where `recovers`, the campaign waits for new alerts.
    """

    at_seconds: float
    kind: Kind
    target: str = ""
    how: str = ""
    seconds: float = 0.0
    recovers: bool = False

    def __str__(self) -> str:
        """Give it as a line of a log."""
        parts = [f"{self.kind}", self.target, self.how, f"{self.seconds:g} s" * bool(self.seconds)]
        return f"{self.at_seconds:6.1f} s  {', '.join(filter(None, parts))}"


def plan(seed: int, minutes: float) -> tuple[Action, ...]:
    """Return the actions of a campaign in order.

    Every kind comes before any comes again. States get lost, or the logs that they are rebuilt from
    are truncated, never both: half a log may give something else than the whole one.
    """
    chance = random.Random(seed)  # noqa: S311 - picks what happens, no secrets
    loses_states = chance.random() < 0.5
    actions: list[Action] = []
    at_seconds = 0.0
    for kind in _kinds(chance, loses_states=loses_states):
        at_seconds += chance.uniform(*PAUSE_SECONDS)
        if at_seconds >= minutes * 60:
            return tuple(actions)
        action = _action(chance, round(at_seconds, 1), kind, loses_states=loses_states)
        actions.append(action)
        at_seconds += ACTION_SECONDS
    return tuple(actions)


def _kinds(chance: random.Random, *, loses_states: bool) -> Iterator[Kind]:
    kinds = [kind for kind in Kind if loses_states or kind is not Kind.UNREADABLE]
    while True:
        yield from chance.sample(kinds, len(kinds))


def _action(chance: random.Random, at_seconds: float, kind: Kind, *, loses_states: bool) -> Action:
    parts = (*Role, BROKER, CLICKHOUSE)
    states = ("detector-state", "market-state") if loses_states else ()
    draws: dict[Kind, Callable[[], tuple[str, str, float]]] = {
        Kind.FOREIGN: lambda: (EVERY_TOPIC if loses_states else NO_STATES, "", 0),
        Kind.ABORT: lambda: ("", "", chance.uniform(*OPEN_SECONDS)),
        Kind.CLOCK: lambda: (chance.choice(list(CLOCKS)), "", 0),
        Kind.PRODUCER: lambda: ("", "", chance.choice(SKEWS_SECONDS)),
        Kind.KILL: lambda: (chance.choice(parts), "", 0),
        Kind.FREEZE: lambda: (chance.choice(parts), "", chance.uniform(*FROZEN_SECONDS)),
        Kind.WORKER: lambda: (chance.choice(WORKERS), "", chance.uniform(*SECOND_WORKER_SECONDS)),
        Kind.REMAKE: lambda: (chance.choice((RAW, EVENTS, PULSE, *states)), "", 0),
        Kind.TRUNCATE: lambda: (chance.choice((RAW,) if states else (RAW, PULSE, EVENTS)), "", 0),
        Kind.RESET: lambda: (chance.choice(WORKERS), chance.choice(list(Target)), 0),
    }
    target, how, seconds = draws[kind]() if kind in draws else ("", "", 0)
    return Action(
        at_seconds=at_seconds,
        kind=kind,
        target=target,
        how=how,
        seconds=round(seconds, 1),
        recovers=chance.random() < 0.5,
    )
