"""Faults on demand: what a test may ask this server to do wrong, and to which statements."""

import json
import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_LONG_S = 3600.0
_MAX_STATUS = 599
_MIN_STATUS = 400


class FaultKind(StrEnum):
    """The ways to fail. "Before" means nothing ran; "after" means the statement took effect."""

    STATUS = "status"  # answer with an HTTP status and no ClickHouse code (argument: 503, 429 ...)
    EXCEPTION = "exception"  # answer with a ClickHouse error (argument: its code)
    RESET_BEFORE = "reset_before"  # reset the connection
    RESET_MID_BODY = "reset_mid_body"  # reset it while the request is still arriving
    RESET_AFTER = "reset_after"  # commit, then reset instead of answering
    HANG_BEFORE = "hang_before"  # say nothing for some seconds (argument), then close
    HANG_AFTER = "hang_after"  # commit, then say nothing
    SLOW = "slow"  # run the statement some seconds late (argument)
    CUT_RESPONSE = "cut_response"  # break off within the answer's body (argument: bytes sent)


_DEFAULT_ARGUMENT = {
    FaultKind.STATUS: 503,
    FaultKind.EXCEPTION: 241,
    FaultKind.HANG_BEFORE: _LONG_S,
    FaultKind.HANG_AFTER: _LONG_S,
    FaultKind.SLOW: 1.0,
}


@dataclass
class FaultRule:
    """One order: a kind, which statements it hits, and how often."""

    kind: FaultKind
    match: re.Pattern[str]
    argument: float
    remaining: int | None  # None: every time
    hits: int = 0
    released: threading.Event = field(default_factory=threading.Event)  # ends its hangs

    def describe(self) -> dict[str, Any]:
        """Return the rule and its hit count for a test to read."""
        return {
            "kind": self.kind.value,
            "match": self.match.pattern,
            "argument": self.argument,
            "remaining": self.remaining,
            "hits": self.hits,
        }


def parse_rule(body: bytes) -> FaultRule:
    """Read an order: {"kind": ..., "match": regex, "times": n or null, "argument": number}.

    `match` is searched in the SQL without the data, ignoring case; absent, it matches everything.
    `times` is 1 when absent.

    Raises:
        ValueError: The order cannot be followed; the message says why.
    """
    order = json.loads(body)
    if not isinstance(order, dict):
        raise ValueError("a fault is a JSON object")  # noqa: TRY004 - one error for the caller
    unknown = set(order) - {"kind", "match", "times", "argument"}
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
    kind = FaultKind(str(order.get("kind")))
    times = order.get("times", 1)
    if times is not None and (type(times) is not int or times < 1):
        raise ValueError("times must be a positive integer or null")
    argument = order.get("argument")
    if argument is None:
        argument = _DEFAULT_ARGUMENT.get(kind, 0)
    if isinstance(argument, bool) or not isinstance(argument, int | float) or argument < 0:
        raise ValueError("argument must be a number of 0 or more")
    if kind is FaultKind.STATUS and not _MIN_STATUS <= argument <= _MAX_STATUS:
        raise ValueError("argument of a status fault must be an HTTP error status")
    try:
        match = re.compile(str(order.get("match", "")), re.IGNORECASE | re.DOTALL)
    except re.error as problem:
        raise ValueError(f"match is not a regular expression: {problem}") from problem
    return FaultRule(kind, match, argument, times)


class Faults:
    """The rules in force, safe to use from any thread."""

    def __init__(self) -> None:
        """Start with no rule."""
        self._lock = threading.Lock()
        self._rules: list[FaultRule] = []

    def add(self, rule: FaultRule) -> None:
        """Put a rule behind those in force."""
        with self._lock:
            self._rules.append(rule)

    def take(self, text: str) -> FaultRule | None:
        """Return the first rule that hits this statement and count the hit."""
        with self._lock:
            for rule in self._rules:
                if rule.remaining != 0 and rule.match.search(text):
                    rule.hits += 1
                    if rule.remaining is not None:
                        rule.remaining -= 1
                    return rule
        return None

    def describe(self) -> list[dict[str, Any]]:
        """Return all rules with their hit counts."""
        with self._lock:
            return [rule.describe() for rule in self._rules]

    def clear(self) -> list[dict[str, Any]]:
        """Drop all rules, end their hangs, and return them with their hit counts."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            rule.released.set()
        return [rule.describe() for rule in rules]
