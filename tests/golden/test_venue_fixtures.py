"""Real, official and constructed messages of every venue, with the events that they mean.

A fixture names its source and date. `expected` lists, in order, an event's fields (those that the
fixture is about; decimals compare by value) or {"rejected": reason}. `event_ids` pins the ids, on
which every replay relies. `rates`, where there is one, is the text that the frame came with;
`subject` what a history was asked about.
"""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from liq.processors.normalizers import (
    FrameMetadata,
    NormalizerConfig,
    known_exchanges,
    known_feeds,
    load_snapshot,
    normalize,
)
from liq.schemas.records import Liquidation, Rejected
from tests.support.venue_fixtures import exchange_of, fixture_id, fixture_paths

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
PATHS = fixture_paths()


def read(path: Path) -> dict[str, Any]:
    fixture: dict[str, Any] = orjson.loads(path.read_bytes())
    return fixture


def results_of(fixture: dict[str, Any]) -> list[Liquidation | Rejected]:
    frame = fixture["frame"]
    data = frame.encode() if isinstance(frame, str) else orjson.dumps(frame)
    metadata = FrameMetadata(
        fixture["exchange"],
        fixture["feed"],
        fixture["received_at_ms"],
        rates=fixture.get("rates", ""),
        subject=fixture.get("subject", ""),
    )
    return normalize(data, metadata, load_snapshot(), CONFIG)


def described(result: Liquidation | Rejected, wanted: dict[str, Any]) -> dict[str, Any]:
    if isinstance(result, Rejected):
        return {"rejected": result.reason}
    values = {name: getattr(result, name, "no such field") for name in wanted}
    return {
        name: wanted[name]
        if isinstance(value, Decimal) and value == Decimal(wanted[name])
        else value
        for name, value in values.items()
    }


def ids_of(results: list[Liquidation | Rejected]) -> list[str]:
    return [result.event_id for result in results if isinstance(result, Liquidation)]


@pytest.mark.parametrize("path", PATHS, ids=fixture_id)
def test_the_message_means_what_its_source_says(path: Path) -> None:
    fixture = read(path)
    results = results_of(fixture)
    assert len(results) == len(fixture["expected"]), results
    assert [
        described(result, wanted)
        for result, wanted in zip(results, fixture["expected"], strict=True)
    ] == fixture["expected"]
    assert ids_of(results) == fixture["event_ids"]


@pytest.mark.parametrize("path", PATHS, ids=fixture_id)
def test_the_fixture_says_where_it_comes_from(path: Path) -> None:
    fixture = read(path)
    assert fixture["exchange"] == exchange_of(path)
    assert fixture["source"] not in {"", "constructed"}
    assert fixture["date"]


@pytest.mark.parametrize(
    "path",
    [path for path in PATHS if "same_ids_as" in read(path)],
    ids=fixture_id,
)
def test_one_event_told_twice_has_one_id(path: Path) -> None:
    fixture = read(path)
    other = read(path.with_stem(fixture["same_ids_as"]))
    assert ids_of(results_of(fixture))
    assert set(ids_of(results_of(fixture))) <= set(ids_of(results_of(other)))


def test_every_feed_of_every_venue_has_an_event_among_the_fixtures() -> None:
    covered = {
        (fixture["exchange"], fixture["feed"])
        for fixture in map(read, PATHS)
        if any("rejected" not in wanted for wanted in fixture["expected"])
    }
    assert covered == {
        (exchange, feed) for exchange in known_exchanges() for feed in known_feeds(exchange)
    }


def test_a_takeover_is_the_same_event_whichever_feed_told_it() -> None:
    fixtures = {path.stem: path for path in fixture_paths("hyperliquid")}
    vault, node = (
        {
            replace(event, received_at_ms=0)
            for event in results_of(read(fixtures[name]))
            if isinstance(event, Liquidation)
        }
        for name in ("takeover_of_a_short", "node_takeover_has_the_id_of_the_vaults_fill")
    )
    assert len(vault) == 1
    assert vault == node
