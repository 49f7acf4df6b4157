"""The frontier: variations of the released detector, and a table for each decision."""

from dataclasses import replace

import pytest

from benchmarks.detection import frontier
from benchmarks.detection.frontier import TABLES, Job, Log, Measured, play, report
from benchmarks.detection.recordings import RECORDINGS, WHOLE_BINANCE
from benchmarks.detection.variations import RELEASED, VARIATIONS, Decision, Variation
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.rules import BurnRule, LaneRules

BY_NAME = {variation.name: variation for variation in VARIATIONS}


def rules_of(name: str) -> LaneRules:
    return BY_NAME[name].config.asset_rules("BTC")


def burn_of(name: str) -> BurnRule:
    burn = rules_of(name).burn
    assert burn is not None
    return burn


def test_each_variation_has_its_own_name_and_differs_from_the_released_rules() -> None:
    assert len(BY_NAME) == len(VARIATIONS)
    assert {variation.decision for variation in VARIATIONS} == {None, *Decision}
    released = DetectorConfig().asset_rules("BTC")
    assert [name for name in BY_NAME if rules_of(name) == released] == [RELEASED]


def test_a_variation_changes_what_its_name_says_and_nothing_else() -> None:
    released = rules_of(RELEASED)
    assert replace(rules_of("evidence of 30 nats"), start_nats=released.start_nats) == released
    more = rules_of("also ten seconds of 8 cells, 5 nats")
    assert more.bursts[:-1] == released.bursts
    assert (more.bursts[-1].cells, more.bursts[-1].nats) == (8, 5)
    assert replace(more, bursts=released.bursts) == released
    assert burn_of("4 normal hours") == burn_of(RELEASED)._replace(hours=4)


def test_watches_are_measured_on_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    more = Variation(Decision.WATCH, "more", DetectorConfig(watch_probability=0.05))
    monkeypatch.setattr(frontier, "VARIATIONS", (BY_NAME[RELEASED], more))
    found = play(Job(Log.RECORDING, RECORDINGS.index(WHOLE_BINANCE)))
    assert found.keys() == {RELEASED, "more"}
    assert found["more"].watches.watches > found[RELEASED].watches.watches
    assert found["more"].bursts == found[RELEASED].bursts


def test_every_table_has_the_targets_the_released_detector_and_its_variations() -> None:
    text = report({name: Measured() for name in BY_NAME})
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) == len(TABLES)
    for lines, decision in zip(tables, TABLES, strict=True):
        rows = [line.split("|")[1].strip() for line in lines[2:]]
        of_decision = [name for name, made in BY_NAME.items() if made.decision is decision]
        assert rows == ["target", RELEASED, *of_decision]
        assert len({line.count("|") for line in lines}) == 1
