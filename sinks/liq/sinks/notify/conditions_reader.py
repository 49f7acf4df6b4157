"""Parsing of a rule's conditions (`when`), with the line of every mistake."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from liq.schemas.vocabulary import AlertType, FeedEvent, Level, Scope, Side
from liq.sinks.notify.rules import (
    DEAD_FEED,
    AlertConditions,
    Conditions,
    DetectorConditions,
    FeedConditions,
    LiquidationConditions,
    ReceiverConditions,
)
from liq.sinks.notify.yaml_reader import Mistakes, YamlReader

MAX_DOLLARS: Final = Decimal(10**12)
#: A rule has exactly one of these subjects in `when`.
SUBJECTS: Final = ("alerts", "liquidations", "feeds", "detector", "receiver")
_ALERT_WORDS: Final = {step.value.removeprefix("CASCADE_").lower(): step for step in AlertType}
_LEVEL_WORDS: Final = {level.value: level for level in Level}
_SCOPE_WORDS: Final = {scope.value: scope for scope in Scope}
_SIDE_WORDS: Final = {side.value.lower(): side for side in Side}
_FEED_WORDS: Final = {event.value: event for event in FeedEvent}
_DEAD: Final = "dead"


class ConditionsReader:
    """A parser of conditions."""

    def __init__(self, reader: YamlReader, mistakes: Mistakes) -> None:
        self._reader = reader
        self._mistakes = mistakes

    def read(self, node: Any) -> Conditions | None:
        """Parse the conditions of a rule; without one subject, record a mistake and return None."""
        readers: dict[str, Callable[[Any], Conditions]] = {
            "alerts": self._alerts,
            "liquidations": self._liquidations,
            "feeds": self._feeds,
            "detector": self._detector,
            "receiver": self._receiver,
        }
        subjects = (
            [key.value for key, _ in node.value if key.value in SUBJECTS]
            if node.id == "mapping"
            else []
        )
        if len(subjects) != 1:
            self._mistakes.add(node, f"when has exactly one of: {', '.join(SUBJECTS)}")
            return None
        return readers[subjects[0]](node)

    def _alerts(self, node: Any) -> Conditions:
        found = self._reader.mapping(
            node, "when", known=("alerts", "scope", "level", "assets", "side", "dollars")
        )
        defaults = AlertConditions()
        level = None
        if "level" in found:
            level = self._reader.word(found["level"], "level", _LEVEL_WORDS)
        scopes = defaults.scopes
        if "scope" in found:
            scopes = self._reader.words(found["scope"], "scope", _SCOPE_WORDS)
        types = self._reader.words(found["alerts"], "alerts", _ALERT_WORDS)
        return AlertConditions(
            types=types,
            scopes=scopes,
            level=level or defaults.level,
            assets=self._names(found, "assets", str.upper),
            side=self._side(found),
            dollars=self._dollars(found),
        )

    def _liquidations(self, node: Any) -> Conditions:
        found = self._reader.mapping(
            node, "when", known=("liquidations", "assets", "venues", "side", "dollars")
        )
        if self._reader.text(found["liquidations"], "liquidations") != "institutional":
            self._mistakes.add(found["liquidations"], "liquidations is: institutional")
        return LiquidationConditions(
            assets=self._names(found, "assets", str.upper),
            venues=self._names(found, "venues", str.lower),
            side=self._side(found),
            dollars=self._dollars(found),
        )

    def _feeds(self, node: Any) -> Conditions:
        found = self._reader.mapping(node, "when", known=("feeds", "venues"))
        words: set[FeedEvent] = set()
        for item in self._reader.items(found["feeds"], "feeds"):
            if item.id == "scalar" and item.value == _DEAD:
                words |= DEAD_FEED
            else:
                word = self._reader.word(item, f"each of feeds is {_DEAD}, or", _FEED_WORDS)
                words |= {word} if word else set()
        return FeedConditions(
            events=frozenset(words), venues=self._names(found, "venues", str.lower)
        )

    def _detector(self, node: Any) -> Conditions:
        found = self._reader.mapping(node, "when", known=("detector", "seconds"))
        if self._reader.text(found["detector"], "detector") != "behind":
            self._mistakes.add(found["detector"], "detector is: behind")
        return DetectorConditions(
            patience_seconds=int(self._reader.number_of(found, "seconds", 15, 86_400, 60))
        )

    def _receiver(self, node: Any) -> Conditions:
        found = self._reader.mapping(node, "when", known=("receiver",))
        if self._reader.text(found["receiver"], "receiver") != "disabled":
            self._mistakes.add(found["receiver"], "receiver is: disabled")
        return ReceiverConditions()

    def _names(
        self, found: Mapping[str, Any], key: str, case: Callable[[str], str]
    ) -> frozenset[str]:
        return (
            frozenset(map(case, self._reader.texts(found[key], key)))
            if key in found
            else frozenset()
        )

    def _side(self, found: Mapping[str, Any]) -> Side | None:
        return self._reader.word(found["side"], "side", _SIDE_WORDS) if "side" in found else None

    def _dollars(self, found: Mapping[str, Any]) -> Decimal:
        zero = Decimal(0)
        if "dollars" not in found:
            return zero
        return self._reader.number(
            found["dollars"], "dollars", least=zero, most=MAX_DOLLARS, default=zero
        )
