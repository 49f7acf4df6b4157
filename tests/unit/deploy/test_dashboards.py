"""What can be known of Grafana's dashboards without Grafana, which was not started here."""

from itertools import combinations
from typing import Any

import pytest
import yaml

from deploy.grafana.boards import BOARDS, build
from liq.runtime.exported import ALL_METRICS
from tests.support.alert_rules import recorded_rules
from tests.support.dashboards import FOLDER, boards, panels, promql, queries
from tests.support.paths import ROOT
from tests.support.prometheus_server import families

DATASOURCES = {
    source["uid"]: source
    for source in yaml.safe_load(
        (FOLDER.parent / "provisioning/datasources/liquidation-engine.yml").read_text()
    )["datasources"]
}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
#: Units of Grafana that the panels use.
UNITS = {"s", "ops", "short", "bytes", "percentunit", "currencyUSD", "none"}
BOARD_NAMES = sorted(boards())
WIDTH = 24


def test_the_committed_json_is_what_the_code_makes() -> None:
    made = {f"{board.uid}.json": build(board) for board in BOARDS}
    committed = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert committed == made, "run `make dashboards`"


def test_there_is_a_dashboard_for_each_purpose() -> None:
    assert set(BOARD_NAMES) == {"pipeline", "venues", "cascades", "clickhouse", "worker"}
    uids = [board["uid"] for board in boards().values()]
    assert len(set(uids)) == len(uids)


@pytest.mark.parametrize("name", BOARD_NAMES)
def test_a_panel_has_a_sentence_a_unit_and_a_known_source(name: str) -> None:
    for panel in panels(boards()[name]):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["targets"]
        for target in panel["targets"]:
            source = DATASOURCES[target["datasource"]["uid"]]
            assert source["type"] == target["datasource"]["type"]
            assert target["refId"]


@pytest.mark.parametrize("name", BOARD_NAMES)
def test_panels_do_not_overlap_and_fit_the_page(name: str) -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        place = {"x": 0, "y": 0, **panel["gridPos"]}
        assert place["x"] + place["w"] <= WIDTH
        return {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }

    for one, other in combinations(boards()[name]["panels"], 2):
        assert not cells(one) & cells(other), (one["title"], other["title"])


def test_panels_name_metrics_that_workers_export() -> None:
    exported = {
        family.name + ("_total" if family.type == "counter" else "")
        for metric in ALL_METRICS
        for family in metric.describe()
    }
    recorded = set(recorded_rules())
    for query in queries():
        if query.datasource == "liq-prometheus":
            text = promql(query.text)
            for name in recorded:
                text = text.replace(name, "")
            assert families(text) <= exported, query.panel
            assert "$" not in text, query.panel


def test_grafana_of_compose_is_provisioned_with_them() -> None:
    grafana = COMPOSE["grafana"]
    assert "./deploy/grafana/dashboards:/etc/grafana/dashboards:ro" in grafana["volumes"]
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in grafana["volumes"]
    providers = yaml.safe_load(
        (FOLDER.parent / "provisioning/dashboards/liquidation-engine.yml").read_text()
    )["providers"]
    assert [each["options"]["path"] for each in providers] == ["/etc/grafana/dashboards"]
    clickhouse = DATASOURCES["liq-clickhouse"]
    settings = (*clickhouse["jsonData"].values(), *clickhouse["secureJsonData"].values())
    named = {text[1:] for text in settings if isinstance(text, str) and text.startswith("$")}
    assert named <= grafana["environment"].keys()
    assert grafana["environment"]["GRAFANA_CLICKHOUSE_USER"] == "liq_reader"
