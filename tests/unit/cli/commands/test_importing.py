"""`liq import`: files of every packing, refusals before anything is imported, going on, reports."""

import asyncio
import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lz4.frame
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from liq.cli.commands import importing
from liq.cli.importing import run as importing_run
from liq.cli.importing.destinations import Stored
from liq.cli.importing.files import InputFile, find_files
from liq.cli.importing.journal import Journal, Place
from liq.cli.importing.run import EventImport, ImportCallbacks, KnownFile, identify
from liq.processors.archives import ARCHIVES, BadLine
from liq.processors.archives.tardis_venues import VENUES as TARDIS_VENUES
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.schemas.codec import encode
from liq.schemas.records import Liquidation
from tests.support.archive_files import BOOK, CONFIG, TARDIS, VISION
from tests.support.paths import ROOT
from tests.support.sample_records import liquidation

COUNT = 50
START_MS = 1_740_787_200_123


def tardis_lines(count: int = COUNT, start: int = 0) -> bytes:
    rows = [
        f"bybit,BTCUSDT,{START_MS + number}000,{START_MS + number + 55}417,,sell,84000.5,0.25"
        for number in range(start, start + count)
    ]
    return "\n".join([TARDIS, *rows, ""]).encode()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "bybit_liquidations_2025-03-01_BTCUSDT.csv"
    path.write_bytes(tardis_lines())
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Run the command in a folder of its own, with its events on standard output."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(importing.import_events)

    def invoke(*arguments: object, goal: str = "-") -> Any:
        return CliRunner().invoke(app, [*map(str, arguments), "--to", goal])

    return invoke


def ids(output: bytes) -> list[str]:
    return [orjson.loads(line)["event_id"] for line in output.splitlines()]


def packed(kind: str, content: bytes, folder: Path) -> Path:
    name = "bybit_liquidations_2025-03-01_BTCUSDT.csv"
    if kind == "zip":
        path = folder / "liquidations.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("README.txt", "what it is")
            archive.writestr(name, content)
        return path
    path = folder / f"{name}.{kind}"
    path.write_bytes(gzip.compress(content) if kind == "gz" else lz4.frame.compress(content))
    return path


@pytest.mark.parametrize("kind", ["gz", "lz4", "zip"])
def test_packed_files_give_what_plain_ones_give(
    run: Callable[..., Any], archive: Path, tmp_path: Path, kind: str
) -> None:
    plain = run(archive)
    assert (plain.exit_code, len(ids(plain.stdout_bytes))) == (0, COUNT)
    folder = tmp_path / "packed"
    folder.mkdir()
    result = run(packed(kind, tardis_lines(), folder))
    assert result.exit_code == 0
    assert ids(result.stdout_bytes) == ids(plain.stdout_bytes)
    assert f"{COUNT} events stored" in result.stderr


def test_a_folder_is_read_whole_and_what_stands_beside_the_data_is_not(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "2025" / "liquidations"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(tardis_lines(3))
    (folder / "b.csv").write_bytes(tardis_lines(4, start=10))
    (folder / "empty.csv.gz").write_bytes(gzip.compress(b""))
    (folder / "a.csv.CHECKSUM").write_text("5e884898  a.csv")
    result = run(tmp_path / "2025")
    assert (result.exit_code, len(ids(result.stdout_bytes))) == (0, 7)
    assert "2 files: 7 events stored" in result.stderr


def test_one_file_of_another_kind_and_nothing_is_imported(
    run: Callable[..., Any], archive: Path, tmp_path: Path
) -> None:
    trades = tmp_path / "bybit_trades_2025-03-01_BTCUSDT.csv"
    trades.write_bytes(tardis_lines())
    result = run(archive, trades)
    assert result.exit_code == 78
    assert result.stdout_bytes == b""
    assert "Nothing was imported." in result.stderr
    assert "--format tardis" in result.stderr


def test_bad_lines_are_told_with_file_and_number(run: Callable[..., Any], archive: Path) -> None:
    lines = archive.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b"84000.5", b"free")
    archive.write_bytes(b"\n".join(lines))
    result = run(archive)
    assert (result.exit_code, len(ids(result.stdout_bytes))) == (2, COUNT - 1)
    assert f"{archive.name} line 3: invalid_number" in result.stderr
    assert "1 lines give no event (1 invalid_number)" in result.stderr


def test_a_file_that_is_cut_off_is_imported_up_to_there_and_said(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "bybit_liquidations.csv.gz"
    content = gzip.compress(tardis_lines(2_000))
    path.write_bytes(content[: len(content) // 2])
    result = run(path)
    assert result.exit_code == 2
    assert 0 < len(ids(result.stdout_bytes)) < 2_000
    assert "cannot be read on" in result.stderr


def test_an_unknown_form_and_a_missing_file_are_sentences(
    run: Callable[..., Any], archive: Path, tmp_path: Path
) -> None:
    assert "agentfeed" in run(archive, "--format", "nobody").stderr
    missing = run(tmp_path / "nothing.csv")
    assert missing.exit_code == 78
    assert "Cannot read" in missing.stderr


def parquet_table(events: Sequence[Liquidation]) -> pa.Table:
    """Return a table with the names and types of `liq export --format parquet`."""
    columns = {
        name: [getattr(getattr(event, name), "value", getattr(event, name)) for event in events]
        for name in Liquidation.__slots__
        if name != "source"
    }
    for name in ("timestamp", "received_at", "stamped_at"):
        columns[name] = pa.array(columns.pop(f"{name}_ms"), pa.timestamp("ms", "UTC"))
    return pa.table(columns)


def test_parquet_gives_the_events_that_were_exported(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    events = [liquidation(number) for number in range(30)]
    path = tmp_path / "liquidations.parquet"
    pq.write_table(parquet_table(events), path)
    result = run(path)
    assert result.exit_code == 0, result.stderr
    assert ids(result.stdout_bytes) == [event.event_id for event in events]
    document = orjson.loads(result.stdout_bytes.splitlines()[4])
    expected = orjson.loads(encode(events[4]))
    assert document["arrival"] == "imported"
    assert document["source"]["offset"] == 5
    assert {**document, "arrival": 0, "source": 0} == {**expected, "arrival": 0, "source": 0}


def test_parquet_of_something_else_is_refused(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "cascades.parquet"
    pq.write_table(pa.table({"cascade_id": ["a"]}), path)
    result = run(path)
    assert result.exit_code == 78
    assert "holds no events" in result.stderr


class Memory:
    """Keeps events; fails at the batch that a test names."""

    name = "memory"

    def __init__(self, fail_at: int = 0) -> None:
        self.events: list[Liquidation] = []
        self._batches = 0
        self._fail_at = fail_at

    async def open(self) -> None: ...

    async def store(self, events: Sequence[Liquidation], brought_by: str) -> Stored:
        assert brought_by == "import:tardis:"
        self._batches += 1
        if self._batches == self._fail_at:
            raise DependencyError("away")
        self.events += events
        return Stored(len(events), 0, [BadLine(2, "refused", "by the store")])

    async def close(self) -> None: ...


def importing_to(destination: Memory, journal: Path) -> EventImport:
    callbacks = ImportCallbacks(bad=lambda *_: None, progress=lambda _: None)
    return EventImport(
        destination, Journal.read(journal, destination.name), BOOK, CONFIG, callbacks
    )


def known(path: Path) -> KnownFile:
    [found] = identify(find_files([path]), "")
    return found


def test_an_import_that_broke_off_goes_on_where_it_was(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing_run, "BATCH_EVENTS", 10)
    journal = tmp_path / "state" / "journal.json"
    broken = Memory(fail_at=4)
    with pytest.raises(DependencyError):
        asyncio.run(importing_to(broken, journal).run(known(archive), asyncio.Event()))
    assert len(broken.events) == 30
    whole = Memory()
    report = asyncio.run(importing_to(whole, journal).run(known(archive), asyncio.Event()))
    assert (report.stored, report.bad["refused"]) == (20, 2)
    found = [event.event_id for event in broken.events + whole.events]
    assert len(set(found)) == len(found) == COUNT
    again = asyncio.run(importing_to(whole, journal).run(known(archive), asyncio.Event()))
    assert again.was_done


def test_an_import_that_is_stopped_stores_what_it_has_and_goes_on(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing_run, "ITEMS_A_TURN", 7)
    journal = tmp_path / "journal.json"
    memory, stop = Memory(), asyncio.Event()
    stop.set()
    first = asyncio.run(importing_to(memory, journal).run(known(archive), stop))
    assert (first.is_stopped, first.stored) == (True, 7)
    asyncio.run(importing_to(memory, journal).run(known(archive), asyncio.Event()))
    assert len({event.event_id for event in memory.events}) == len(memory.events) == COUNT


def test_a_file_that_has_changed_is_another_file(archive: Path, tmp_path: Path) -> None:
    journal = Journal.read(tmp_path / "journal.json", "memory")
    journal.note(known(archive).file.fingerprint(), Place(7, is_done=True))
    archive.write_bytes(tardis_lines(COUNT + 1))
    assert journal.place(known(archive).file.fingerprint()) == Place()


def test_destinations_have_places_of_their_own(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    name = known(archive).file.fingerprint()
    Journal.read(path, "kafka a").note(name, Place(7, is_done=True))
    assert Journal.read(path, "kafka b").place(name) == Place()
    assert Journal.read(path, "kafka a").place(name) == Place(7, is_done=True)


def test_a_file_that_is_no_journal_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_text("[]")
    with pytest.raises(ConfigurationError, match="no journal"):
        Journal.read(path, "memory")


def test_members_of_a_zip_are_files_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "two.zip"
    name = "BTCUSD_PERP-liquidationSnapshot-2023-06-{}.csv"
    row = "16876564719{},BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7\n"
    with zipfile.ZipFile(path, "w") as archive:
        for day in (25, 26):
            archive.writestr(name.format(day), f"{VISION}\n{row.format(day)}")
    files = find_files([path])
    assert [file.member for file in files] == [name.format(25), name.format(26)]
    assert len({file.fingerprint() for file in files}) == 2
    [first, second] = identify(files, "")
    assert first.archive.name == "binance-vision"
    assert second.origin.endswith(f"two.zip/{name.format(26)}")


def test_a_line_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liq.cli.importing.files.MAX_LINE_BYTES", 100)
    path = tmp_path / "x.csv"
    path.write_bytes(b"x" * 1_000)
    with pytest.raises(ConfigurationError, match="longer than 100 bytes"):
        identify([InputFile(path)], "")


def test_the_place_in_the_file_is_told(archive: Path) -> None:
    places: list[int] = []
    lines = list(InputFile(archive).lines(places.append))
    assert len(lines) == COUNT + 1
    assert places[-1] == archive.stat().st_size
    assert places == sorted(places)
    assert io.BytesIO(archive.read_bytes()).readline().strip() == lines[0].content


def test_the_page_names_every_form() -> None:
    page = (ROOT / "docs" / "history.md").read_text()
    for name, archive in ARCHIVES.items():
        assert f"| `{name}` |" in page
        assert archive.title
    for exchange in TARDIS_VENUES:
        assert f"`{exchange}`" in page
