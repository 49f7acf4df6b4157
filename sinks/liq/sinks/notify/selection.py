"""The selection of receivers for notices, by rules, cool-downs and quiet hours. Pure.

It uses the notices' times, not this machine's clock, so the same notices in the same order always
yield the same selection.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from liq.schemas.vocabulary import Level, Side
from liq.sinks.notify.notices import Kind, Notice
from liq.sinks.notify.rules import LEVELS, Rule, Rules

MAX_REMEMBERED: Final = 20_000
_Key = tuple[str, str, Side | None]


@dataclass(frozen=True, slots=True)
class _Told:
    timestamp_ms: int
    level: Level | None


class Selection:
    """The rules with the state of their cool-downs.

    It calls `leave_out` with rule and reason for each notice that a rule's cool-down or quiet hours
    suppress.
    """

    def __init__(
        self, rules: Rules, leave_out: Callable[[str, str], None] = lambda _rule, _reason: None
    ) -> None:
        self._rules = rules
        self._leave_out = leave_out
        self._told: OrderedDict[_Key, _Told] = OrderedDict()
        # Cascades that a rule has announced; it announces their further steps, too.
        self._cascades: OrderedDict[tuple[str, str], None] = OrderedDict()

    def select(self, notice: Notice) -> dict[str, str]:
        """Map each receiver of a notice to the first rule that selects the notice for it."""
        selected: dict[str, str] = {}
        for rule in self._rules.rules:
            if not rule.conditions.match(notice):
                continue
            if rule.quiet_hours is not None and rule.quiet_hours.silence(notice):
                self._leave_out(rule.name, "quiet_hours")
            elif self._cools_down(rule, notice):
                self._leave_out(rule.name, "cool_down")
            else:
                for receiver in rule.receivers:
                    if receiver != notice.receiver:
                        selected.setdefault(receiver, rule.name)
                self._remember(rule, notice)
        return selected

    def restore(self, notice: Notice, selected: Mapping[str, str]) -> None:
        """Restore the cool-downs after a selection of an earlier process."""
        for name in dict.fromkeys(selected.values()):
            rule = self._rules.rule(name)
            if rule is not None:
                self._remember(rule, notice)

    def _cools_down(self, rule: Rule, notice: Notice) -> bool:
        """Return whether a rule's cool-down for the same subject and side suppresses a notice.

        A notice of a worse level passes, and so does every step of an announced cascade.
        """
        if (rule.name, notice.cascade_id or "") in self._cascades:
            return False
        told = self._told.get(_key(rule, notice))
        if told is None or abs(notice.timestamp_ms - told.timestamp_ms) >= rule.cool_down_ms:
            return False
        return notice.level is None or told.level is None or not _is_worse(notice.level, told.level)

    def _remember(self, rule: Rule, notice: Notice) -> None:
        if not rule.cool_down_ms:
            return
        if notice.cascade_id is not None:
            self._cascades[rule.name, notice.cascade_id] = None
            _trim(self._cascades)
        self._told[_key(rule, notice)] = _Told(notice.timestamp_ms, notice.level)
        _trim(self._told)


def _key(rule: Rule, notice: Notice) -> _Key:
    # For feeds, receivers and the detector, each type of event has its own cool-down.
    is_alert = notice.kind in {Kind.ALERT, Kind.LIQUIDATION}
    what = notice.kind if is_alert else notice.type
    return (rule.name, f"{what}/{notice.subject}", notice.side)


def _is_worse(level: Level, than: Level) -> bool:
    return LEVELS.index(level) > LEVELS.index(than)


def _trim(known: OrderedDict[_Key, _Told] | OrderedDict[tuple[str, str], None]) -> None:
    if len(known) > MAX_REMEMBERED:
        known.popitem(last=False)
