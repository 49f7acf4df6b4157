"""Every block of the cookbook is run, and its printed answer compared."""

import os
import re
from io import StringIO

import pytest
from clickhouse_connect.driver.client import Client
from rich.console import Console

from liq.cli.console import WIDTH_WITHOUT_TERMINAL
from liq.cli.results import run_sql
from liq.sinks.clickhouse.migrations import known_migrations
from tests.integration.analytics.conftest import Warehouse
from tests.support.paths import DOCS

pytestmark = pytest.mark.integration

COOKBOOK = DOCS / "sql-cookbook.md"
QUESTION = re.compile(r"```sql\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
TEXT = COOKBOOK.read_text()
BLOCKS = [(match[1], match[2]) for match in QUESTION.finditer(TEXT)]
TITLES = [
    TEXT[: match.start()].rpartition("\n### ")[2].splitlines()[0]
    for match in QUESTION.finditer(TEXT)
]


def printed(client: Client, sql: str) -> str:
    """What `liq sql` writes into a pipe, without the spaces at the ends of lines."""
    console = Console(width=WIDTH_WITHOUT_TERMINAL, file=StringIO())
    console.print(run_sql(client, sql))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def write_answer(sql: str, answer: str) -> None:
    """Put an answer behind its question in the document."""
    text = QUESTION.sub(
        lambda block: (
            f"```sql\n{sql}```\n\n```text\n{answer}```\n" if block[1] == sql else block[0]
        ),
        COOKBOOK.read_text(),
    )
    COOKBOOK.write_text(text)


@pytest.mark.parametrize(("sql", "answer"), BLOCKS, ids=TITLES)
def test_the_answer_is_the_printed_one(captured: Warehouse, sql: str, answer: str | None) -> None:
    found = printed(captured.client, sql)
    if os.environ.get("ANALYTICS_EXPECTED") == "write":
        write_answer(sql, found)
        pytest.fail("wrote the present answer; review it, and run again without the variable")
    assert found == answer


def test_every_view_has_an_entry() -> None:
    statements = [text for item in known_migrations() for text in item.statements]
    views = {found[1] for text in statements if (found := re.search(r"VIEW\D*? (\w+) AS\b", text))}
    asked = "\n".join(sql for sql, _ in BLOCKS)
    not_asked = {view for view in views if not re.search(rf"\b{view}\b", asked)}
    # This one is the subject of docs/clickhouse.md.
    assert not_asked == {"liquidations_by_venue_side"}
