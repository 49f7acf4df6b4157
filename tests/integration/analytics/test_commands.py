"""`liq sql` and `liq report` as a user runs them."""

import csv
import json
import re
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from liq.devstack.stack import liq_command
from tests.conftest import worker_environment
from tests.integration.analytics.conftest import NewWarehouse, Warehouse
from tests.support.analytics_data import events

pytestmark = pytest.mark.integration

REFUSED, UNREACHABLE = 65, 69
VOID = {"meta"}
MAX_PAGE_BYTES = 400_000


def liq(
    warehouse: Warehouse, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        liq_command(*arguments),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**worker_environment(warehouse.settings), **environment},
    )


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """What was said on standard error; nothing may be on standard output."""
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


QUESTION = "SELECT exchange, side, events, value_usd FROM liquidations_by_venue_side ORDER BY ALL;"


def test_a_table_is_for_people(captured: Warehouse) -> None:
    result = liq(captured, "sql", QUESTION)
    assert result.returncode == 0
    first, _, second, *_ = result.stdout.splitlines()
    assert first.split() == ["exchange", "side", "events", "value_usd"]
    assert second.split() == ["binance", "LONG", "1,127", "14,526,892.72"]


def test_json_is_an_exact_object_a_line(captured: Warehouse) -> None:
    result = liq(captured, "sql", "--format", "json", QUESTION)
    first, *others = map(json.loads, result.stdout.splitlines())
    assert first == {
        "exchange": "binance",
        "side": "LONG",
        "events": 1127,
        "value_usd": "14526892.72194944",
    }
    assert len(others) == 5


def test_csv_has_a_header(captured: Warehouse) -> None:
    result = liq(captured, "sql", "--format", "csv", QUESTION)
    header, first, *others = csv.reader(StringIO(result.stdout))
    assert header == ["exchange", "side", "events", "value_usd"]
    assert first == ["binance", "LONG", "1127", "14526892.72194944"]
    assert len(others) == 5


@pytest.mark.parametrize("answer_format", ["table", "json", "csv"])
def test_a_question_with_a_mistake_is_answered_by_a_sentence(
    captured: Warehouse, answer_format: str
) -> None:
    result = liq(captured, "sql", "--format", answer_format, "SELECT nope FROM liquidations")
    assert result.returncode == REFUSED
    assert sentence(result).startswith("Unknown expression identifier `nope`")


@pytest.mark.parametrize("answer_format", ["json", "csv"])
def test_an_error_in_mid_answer_leaves_no_half_answer(
    captured: Warehouse, answer_format: str
) -> None:
    question = "SELECT number, throwIf(number = 900000) FROM numbers(1000000)"
    result = liq(captured, "sql", "--format", answer_format, question)
    assert result.returncode == REFUSED
    assert "throwIf" in sentence(result)


@pytest.mark.parametrize("statement", ["TRUNCATE TABLE liquidations", "DROP VIEW feed_gaps"])
def test_nothing_can_be_changed(captured: Warehouse, statement: str) -> None:
    before = captured.client.query("SELECT count() FROM liquidations FINAL").first_row
    result = liq(captured, "sql", statement)
    assert result.returncode == REFUSED
    # By read-only mode, or because a reader has no such right.
    assert re.search("readonly|Not enough privileges", sentence(result))
    assert captured.client.query("SELECT count() FROM liquidations FINAL").first_row == before
    assert captured.client.command("EXISTS VIEW feed_gaps") == 1


@pytest.mark.parametrize(
    "question",
    [
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM /* (see) */ `file` -- more\n ('/etc/passwd', 'LineAsString')",
        "DESCRIBE TABLE s3('http://127.0.0.1:1/x')",
        "SELECT file('x')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
    ],
)
def test_nothing_outside_the_database_is_read(captured: Warehouse, question: str) -> None:
    result = liq(captured, "sql", question)
    assert result.returncode == REFUSED
    assert "reads outside the database" in sentence(result)


@pytest.mark.parametrize(
    ("limit", "question", "said"),
    [
        (["--max-rows", "100"], "SELECT number FROM numbers(101)", "Limit for result exceeded"),
        (["--max-seconds", "1"], "SELECT count() FROM numbers(1e13)", "Timeout exceeded"),
    ],
)
def test_a_question_has_a_limit_of_rows_and_of_time(
    captured: Warehouse, limit: list[str], question: str, said: str
) -> None:
    result = liq(captured, "sql", *limit, "--format", "csv", question)
    assert result.returncode == REFUSED
    assert said in sentence(result)
    assert "--max-seconds and --max-rows" in sentence(result)


@pytest.mark.parametrize(
    "setting", ["max_execution_time = 0", "max_result_rows = 0", "readonly = 0"]
)
def test_no_question_lifts_its_own_limits(captured: Warehouse, setting: str) -> None:
    result = liq(captured, "sql", "--max-rows", "100", f"SELECT 1 SETTINGS {setting}")
    assert result.returncode == REFUSED
    assert re.search("readonly mode|SETTING_CONSTRAINT_VIOLATION", sentence(result))


@pytest.mark.parametrize("command", [["sql", "SELECT 1"], ["report"]])
def test_no_clickhouse_is_a_sentence_that_says_what_to_check(
    captured: Warehouse, command: list[str]
) -> None:
    result = liq(captured, *command, CLICKHOUSE_URL="http://127.0.0.1:1")
    assert result.returncode == UNREACHABLE
    assert "no answer (Connection refused)" in sentence(result)
    assert "CLICKHOUSE_URL" in sentence(result)


def leader_line(warehouse: Warehouse, exchange: str) -> str:
    """A line of the report's table of who leads; the cascades are the present detector's."""
    row = warehouse.client.query(
        "SELECT exchange, count(), countIf(lag_ms = 0), quantileExact(0.5)(lag_ms),"
        " quantileExact(0.9)(lag_ms)"
        " FROM (SELECT *, count() OVER (PARTITION BY cascade_id) AS venues FROM"
        " cascade_venues(since = '2026-07-09 00:00:00', until = '2026-07-11 00:00:00'))"
        " WHERE venues > 1 AND exchange = {exchange:String} GROUP BY exchange",
        parameters={"exchange": exchange},
    ).first_row
    assert row is not None
    return " ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in row)


def test_the_report_shows_every_answer(captured: Warehouse) -> None:
    result = liq(captured, "report")
    assert result.returncode == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    text = "\n".join(lines)
    assert "2026-07-09 00:00:00 to 2026-07-11 00:00:00 UTC" in lines[0]
    for line in (
        "bybit 2,700 5,665,857.55 23,005,694.75 766.35 2,011,954.55 complete 70.00",
        "BTCUSDT 2,644 12,458,281.81 28,591,687.07 2,986,768.09",
        "2026-07-10 14:18:58.629 binance BTCUSDT LONG 64,078.61 average_fill 2,986,768.09",
        "2026-07-10 02:00:00 okx 21 2,770,182.59 599.75",
        leader_line(captured, "okx"),
        "2026-07-10 14:18:58 1 2,986,768.09",
    ):
        assert line in lines
    assert "4,644 liquidations of $56.6M, 38 % of it longs" in text
    assert "BTCUSDT: dollars by price level and time" in text
    assert "█" in next(line for line in lines if line.startswith("64,000 │"))
    assert "binance invalid_side 2 1" in text


def test_the_report_over_another_period_and_symbol(captured: Warehouse) -> None:
    result = liq(
        captured,
        "report",
        "--until",
        "2025-07-18T10:18",
        "--days",
        "0.02",
        "--symbol",
        "FARTCOINUSDT",
    )
    assert result.returncode == 0, result.stderr
    until_ms = int(datetime(2025, 7, 18, 10, 18, tzinfo=UTC).timestamp() * 1000)
    period = range(until_ms - int(0.02 * 86_400_000), until_ms)
    count = sum(event.timestamp_ms in period for event in events())
    assert f"{count} liquidations" in result.stdout
    assert "FARTCOINUSDT: dollars by price level" in result.stdout
    assert "The ten largest cascades" not in result.stdout


class Elements(HTMLParser):
    """Collects a page's elements, and checks that they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def elements(page: Path) -> Elements:
    parser = Elements()
    parser.feed(page.read_text(encoding="utf-8"))
    parser.close()
    assert parser.open == []
    return parser


def data_of(page: Path) -> dict[str, Any]:
    """Return the data of a page's charts."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert found is not None
    data: dict[str, Any] = orjson.loads(found[1])
    return data


def test_the_page_needs_nothing_else(captured: Warehouse, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = liq(captured, "report", "--html", str(page))
    assert result.returncode == 0, result.stderr
    parser = elements(page)
    tags = {tag for tag, _ in parser.found}
    assert not tags & {"link", "img", "iframe", "object", "embed"}
    assert not any({"src", "href", "srcset"} & attributes.keys() for _, attributes in parser.found)
    text = page.read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text
    assert "Copyright (c) 2022 Leon Sorokin" in text
    assert page.stat().st_size < MAX_PAGE_BYTES


def test_a_question_comes_from_standard_input(captured: Warehouse) -> None:
    asked = subprocess.run(
        liq_command("sql"),
        input="SELECT 1 + 1 AS two;\n",
        env={**worker_environment(captured.settings)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert "two" in asked.stdout


def test_the_page_draws_what_the_terminal_says(captured: Warehouse, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    liq(captured, "report", "--html", str(page))
    parser = elements(page)
    charts = {attributes["id"] for tag, attributes in parser.found if tag == "figure"}
    data = data_of(page)
    assert charts == data.keys()
    assert len(charts) == 7
    [(cells, usd)] = captured.client.query(
        "SELECT uniqExact(toStartOfInterval(timestamp, INTERVAL 30 MINUTE),"
        " roundBankers(price_level / 200)), sum(value_usd) FROM liquidation_events"
        " WHERE symbol = 'BTCUSDT' AND timestamp >= '2026-07-09 00:00:00'"
    ).result_rows
    drawn = data["levels"]["map"]["cells"]
    assert len(drawn) == cells
    assert sum(longs + shorts for _, _, longs, shorts in drawn) == pytest.approx(float(usd))
    [(longs, shorts)] = captured.client.query(
        "SELECT sumIf(value_usd, side = 'LONG'), sumIf(value_usd, side = 'SHORT')"
        " FROM liquidation_events WHERE timestamp >= '2026-07-09 00:00:00'"
    ).result_rows
    sums = data["series"]["sums"]
    assert sum(each[1] for each in sums) == pytest.approx(float(longs))
    assert sum(each[2] for each in sums) == pytest.approx(float(shorts))
    for text in ("2,986,768.09", "$56.6M", "4,644", "Post-mortem: BTC LONG, 2026-07-10 14:18:53"):
        assert text in parser.texts


def test_what_an_exchange_sends_cannot_become_markup(
    new_warehouse: NewWarehouse, tmp_path: Path
) -> None:
    warehouse = new_warehouse()
    hostile = "<script>alert(1)</script>&amp;'\""
    warehouse.client.command(
        "INSERT INTO liquidations (timestamp, exchange, symbol, base, side, price, quantity,"
        " value_usd, price_level, event_id) VALUES ('2026-07-10 10:00:00', {text:String},"
        " {text:String}, {text:String}, 'LONG', 100, 1, 100, 100, 'a')",
        parameters={"text": hostile},
    )
    page = tmp_path / "report.html"
    result = liq(warehouse, "report", "--html", str(page))
    assert result.returncode == 0, result.stderr
    parser = elements(page)
    scripts = [attributes for tag, attributes in parser.found if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}, {}]
    assert data_of(page)["levels"]["map"]["asset"] == hostile
    assert hostile not in page.read_text(encoding="utf-8")
    assert parser.texts.count(hostile) >= 3
    assert hostile in liq(warehouse, "report").stdout


def test_an_empty_database_says_what_to_look_at(new_warehouse: NewWarehouse) -> None:
    result = liq(new_warehouse(), "report")
    assert result.returncode == REFUSED
    assert "holds no liquidations yet" in sentence(result)


def test_a_file_that_cannot_be_written_is_named(captured: Warehouse, tmp_path: Path) -> None:
    page = tmp_path / "missing" / "report.html"
    result = liq(captured, "report", "--html", str(page))
    assert result.returncode == 78
    assert str(page) in sentence(result).replace(" ", "")
