"""The example of docs/adding-a-destination.md works."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.headers import Headers
from liq.sinks.attempts import Attempts
from liq.sinks.batch import Batch
from liq.sinks.storing import Storing
from tests.support.paths import ROOT
from tests.support.sample_records import liquidation

PAGE = ROOT / "docs" / "adding-a-destination.md"


class Record:
    topic = "liquidations.events"
    partition = 0
    timestamp = 0
    headers: Headers = ()

    def __init__(self, offset: int, value: bytes) -> None:
        self.offset = offset
        self.value = value


@pytest.fixture
def documented() -> dict[str, Any]:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "documented"}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - our own documentation
    return names


async def test_the_documented_destination_stores_and_refuses(
    documented: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "events.sqlite"
    destination = documented["SqliteDestination"](Settings(), str(path))
    attempts = Attempts(destination, Health())
    storing = Storing(destination, attempts, max_rejected_share=0.5)
    await attempts.until_success(destination.open)
    values = [encode(liquidation(number)) for number in range(5)]
    for _ in range(2):  # the second time as after a crash before the commit
        batch = Batch()
        batch.add([Record(n, value) for n, value in enumerate([*values, b"{"])], now=0.0)
        await storing.store(batch)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER sane BEFORE INSERT ON events WHEN NEW.id LIKE '%b' "
            "BEGIN SELECT RAISE(ABORT, 'odd'); END"
        )
    batch = Batch()
    batch.add([Record(n, encode(liquidation(n))) for n in range(8, 14)], now=0.0)
    await storing.store(batch)
    with closing(sqlite3.connect(path)) as connection:
        events = {row[0] for row in connection.execute("SELECT id FROM events")}
        refused = connection.execute("SELECT at, reason FROM refused ORDER BY at").fetchall()
    assert events == {f"{n:032x}" for n in (0, 1, 2, 3, 4, 8, 9, 10, 12, 13)}
    assert refused == [(5, "undecodable_record"), (11, "refused_by_sqlite")]
