"""The schema of the chart's values, made from the settings: it knows each, and refuses others."""

import json
from copy import deepcopy
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.helm.schema import (
    CHART,
    NOT_IN_A_CLUSTER,
    ROLE_OF,
    SCHEMA,
    SET_BY_CHART,
    common_settings,
    role_settings,
    schema_text,
)
from liq.cli.contract_lists import contract_settings
from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.feeds.settings import feed_settings
from liq.producers.history.settings import history_settings
from liq.runtime.settings import Settings

DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text()))


def errors(**changes: Any) -> list[str]:
    """Return what is wrong with the defaults after changes, `a__b` for b in a."""
    values = deepcopy(DEFAULTS)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = values
        for parent in parents:
            place = place[parent]
        place[last] = value
    return [error.message for error in VALIDATOR.iter_errors(values)]


def test_the_committed_schema_is_what_the_settings_make() -> None:
    assert SCHEMA.read_text() == schema_text(), "run `python -m deploy.helm.schema`"
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))


def test_every_setting_has_a_place_in_the_chart() -> None:
    known = {name.upper() for name in Settings.model_fields}
    # Keys of feeds come from a secret.
    known |= {feed.name for feed in feed_settings(ALL_FEEDS) if not feed.is_secret}
    known |= {contracts.name for contracts in contract_settings()}
    known |= {history.name for history in history_settings()}
    placed = set(common_settings()) | SET_BY_CHART | NOT_IN_A_CLUSTER
    for roles in ROLE_OF.values():
        for role in roles:
            placed |= set(role_settings(role))
    assert placed == known


def test_defaults_name_every_value() -> None:
    def keys(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        for name, inner in schema.get("properties", {}).items():
            if path.endswith("settings") or name == "global":
                continue
            assert name in values, f"{path}.{name} has no default"
            if inner.get("type") == "object" and isinstance(values[name], dict):
                keys(inner, values[name], f"{path}.{name}")

    keys(json.loads(SCHEMA.read_text()), DEFAULTS, "")
    assert errors() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"workers__detect__settings": {"CASCADE_MIN_EVENTS": 0}},
        {"workers__detect__settings": {"CASCADE_MIN_EVENT": 5}},
        {"workers__detect__settings": {"KAFKA_SASL_PASSWORD": "x"}},
        {"workers__sink__settings": {"SINK_MAX_REJECTED_SHARE": 2}},
        {"topics__partitions": 0},
        {"kafka__secret": "Not_A_Name"},
    ],
)
def test_a_wrong_value_is_refused(changes: dict[str, Any]) -> None:
    assert errors(**changes)


def test_a_number_may_be_text_and_a_feed_has_its_address() -> None:
    assert errors(workers__detect__settings={"CASCADE_MIN_EVENTS": "7"}) == []
    assert errors(workers__produce__settings={"BITMEX_WS_URL": "wss://example.com"}) == []
