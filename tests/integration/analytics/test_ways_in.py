"""The snippets of docs/analysis.md and the notebook, run on the captures."""

import importlib.util
import os
import re
import sys
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import worker_environment
from tests.integration.analytics.conftest import Warehouse
from tests.support.paths import DOCS
from tests.support.pipeline_log import run_offline

pytestmark = pytest.mark.integration

WITHOUT_EXTRA = "the extra `analysis` is not installed: make analysis"
for library in ("duckdb", "marimo", "matplotlib", "pandas", "polars"):
    pytest.importorskip(library, reason=WITHOUT_EXTRA)

PAGE = DOCS / "analysis.md"
NOTEBOOK = DOCS / "notebooks" / "market.py"
PICTURES = DOCS / "images"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
COMMAND = re.compile(r"```sh\nliq (export .*?)\n```\n\n```text\n(.*?)```", re.DOTALL)
WRITES = os.environ.get("ANALYTICS_EXPECTED") == "write"


@pytest.fixture
def connected(captured: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Warehouse:
    for name, value in worker_environment(captured.settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return captured


def write_answers(answers: dict[str, str]) -> None:
    """Put what the blocks print behind them in the page."""
    text = BLOCK.sub(
        lambda block: f"```python\n{block[1]}```\n\n```text\n{answers[block[1]]}```\n",
        PAGE.read_text(),
    )
    PAGE.write_text(text)


def test_the_page_s_snippets_print_what_it_says(connected: Warehouse) -> None:
    text = PAGE.read_text()
    [(command, files)] = COMMAND.findall(text)
    topic = connected.settings.topics.events
    arguments = command.replace("liquidations.events", topic).split()
    exported = run_offline(connected.settings, *arguments)
    assert exported.returncode == 0, exported.stderr
    written = [line.split(" (")[0] for line in exported.stdout.decode().splitlines()]
    assert written == files.split()
    names: dict[str, Any] = {}
    answers: dict[str, str] = {}
    expected: dict[str, str] = {}
    for block in BLOCK.finditer(text):
        printed = StringIO()
        with redirect_stdout(printed):
            exec(compile(block[1], str(PAGE), "exec"), names)  # noqa: S102 - our own page
        answers[block[1]] = "".join(
            f"{line.rstrip()}\n" for line in printed.getvalue().rstrip().splitlines()
        )
        expected[block[1]] = block[2] or ""
    assert len(answers) == 5
    if WRITES:
        write_answers(answers)
        pytest.fail("wrote the present answers; review them, and run again without the variable")
    assert answers == expected


def definitions_of(notebook: Path) -> dict[str, Any]:
    """Run a notebook as a script and return the names that its cells define."""
    specification = importlib.util.spec_from_file_location("notebook", notebook)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["notebook"] = module
    try:
        specification.loader.exec_module(module)
        _, definitions = module.app.run()
        return dict(definitions)
    finally:
        del sys.modules["notebook"]


def picture(figure: Any) -> str:
    drawn = BytesIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return "".join(f"{line.rstrip()}\n" for line in drawn.getvalue().decode().splitlines())


def test_the_notebook_runs_and_its_pictures_are_those_of_the_page(connected: Warehouse) -> None:
    found = definitions_of(NOTEBOOK)
    events, dollars = connected.client.query(
        "SELECT count(), toFloat64(sum(value_usd)) FROM liquidation_events"
        " WHERE timestamp >= '2026-07-08 00:00:00'"
    ).result_rows[0]
    assert found["venues"]["events"].sum() == events
    hours = found["hours"]
    assert hours["longs"].sum() + hours["shorts"].sum() == pytest.approx(dollars)
    cascade = found["cascade"]
    assert found["seconds"]["usd"].sum() == pytest.approx(cascade["usd"], abs=1)
    for name in ("overview", "post_mortem", "around"):
        drawn = picture(found[name])
        path = PICTURES / f"notebook-{name.replace('_', '-')}.svg"
        if WRITES:
            path.write_text(drawn)
        assert path.read_text() == drawn


def test_superset_s_way_in_reads_views(connected: Warehouse) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy", reason=WITHOUT_EXTRA)
    settings = connected.settings
    host = settings.clickhouse_url.partition("://")[2]
    password = settings.clickhouse_password.get_secret_value()
    login = f"{settings.clickhouse_user}:{password}"
    engine = sqlalchemy.create_engine(
        f"clickhousedb://{login}@{host}/{settings.clickhouse_database}"
    )
    with engine.connect() as connection:
        rows = connection.execute(
            sqlalchemy.text(
                "SELECT exchange, sum(events) AS events FROM liquidation_hours"
                " GROUP BY exchange ORDER BY exchange"
            )
        ).fetchall()
    names = sqlalchemy.inspect(engine).get_table_names()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("binance", 1746), ("bybit", 2821), ("okx", 988)]
    assert "liquidations" in names
