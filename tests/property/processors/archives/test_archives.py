"""Whatever a file holds, importing gives events and bad lines, and reading on gives the rest."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.processors.archives import (
    ARCHIVES,
    BadLine,
    FileHead,
    Importer,
    Item,
    Line,
    UnusableFileError,
    resume_line,
)
from liq.schemas.client import SeenIds
from liq.schemas.codec import decode, encode
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Arrival
from tests.support.archive_files import (
    AGENTFEED,
    BOOK,
    CONFIG,
    CRYPTOFEED,
    TARDIS,
    TARDIS_PATH,
    VISION,
    VISION_PATH,
)
from tests.support.sample_records import liquidation

OWNER = "0x" + "a" * 40
FILL = {
    "coin": "BTC",
    "px": "60000",
    "sz": "0.5",
    "side": "A",
    "time": 1_760_130_900_100,
    "dir": "Close Long",
    "crossed": True,
    "tid": 7,
    "liquidation": {"liquidatedUser": OWNER, "method": "market"},
}
FILES = {
    "tardis": (
        TARDIS_PATH,
        TARDIS.encode(),
        b"bybit,BTCUSDT,1740787200123000,1740787200178417,,sell,84000.5,0.25",
    ),
    "binance-vision": (
        VISION_PATH,
        VISION.encode(),
        b"1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7",
    ),
    "cryptofeed": (
        "c.csv",
        CRYPTOFEED.encode(),
        b"BITMEX,BTC-USD-PERP,sell,1200,60000,dd9c,unfilled,1683591834.503,1683591835.1",
    ),
    "agentfeed": (
        "a.csv",
        AGENTFEED.encode(),
        b"1783591834503,2026-07-09 10:10:34,SOLUSDT,okx,long_liquidated,3,78,234",
    ),
    "hyperliquid-node": (
        "14",
        b'["%b",{"coin":"ETH"}]' % OWNER.encode(),
        orjson.dumps([OWNER, FILL]),
    ),
    "events": ("e.jsonl", b'{"clock_ms":1}', encode(liquidation(3))),
}


def results(form: str, lines: list[Line]) -> list[Liquidation | BadLine]:
    path, header, _ = FILES[form]
    archive = ARCHIVES[form]
    reader = archive.open(FileHead(path, header), BOOK)
    importer = Importer("import:x:y", BOOK, CONFIG, SeenIds().is_new)
    return [result for item in reader(iter(lines)) for result in importer.read(item)]


@st.composite
def damaged(draw: st.DrawFn, row: bytes) -> bytes:
    """Return a row with a piece of it cut out, doubled, or replaced."""
    start = draw(st.integers(0, len(row)))
    end = draw(st.integers(start, len(row)))
    middle = draw(st.one_of(st.just(b""), st.just(row[start:end] * 2), st.binary(max_size=12)))
    return (row[:start] + middle + row[end:]).replace(b"\n", b" ")


@pytest.mark.parametrize("form", ARCHIVES)
def test_every_form_has_a_row_that_is_an_event(form: str) -> None:
    _, header, row = FILES[form]
    [event] = results(form, [Line(1, header), Line(2, row)])
    assert isinstance(event, Liquidation)
    assert event.arrival is Arrival.IMPORTED


@given(data=st.data(), form=st.sampled_from(sorted(ARCHIVES)))
def test_damaged_lines_give_events_that_are_whole_or_say_their_number(
    data: st.DataObject, form: str
) -> None:
    _, header, row = FILES[form]
    rows = data.draw(st.lists(st.one_of(damaged(row), st.binary(max_size=60)), max_size=6))
    contents = [header, *(each.replace(b"\n", b"") for each in rows)]
    lines = [Line(number, content) for number, content in enumerate(contents, start=1)]
    for result in results(form, lines):
        if isinstance(result, Liquidation):
            assert decode(Liquidation, encode(result)) == result
            assert result.source is not None
            assert 2 <= result.source.offset <= len(lines)
        else:
            assert 1 <= result.line <= len(lines)
            assert result.reason
            assert result.detail


@given(
    form=st.sampled_from(sorted(ARCHIVES)),
    numbers=st.lists(st.integers(1, 3), max_size=6),
    data=st.data(),
)
def test_reading_on_where_it_was_interrupted_loses_nothing(
    form: str, numbers: list[int], data: st.DataObject
) -> None:
    """Equal rows that came together are counted together, wherever reading stopped."""
    path, header, row = FILES[form]
    rows = [
        row.replace(b"0.25", b"0.%d" % each).replace(b",3,", b",%d," % each) for each in numbers
    ]
    lines = [Line(number, each) for number, each in enumerate([header, *rows], start=1)]
    archive = ARCHIVES[form]

    def read(lines: list[Line]) -> list[Item]:
        return list(archive.open(FileHead(path, header), BOOK)(iter(lines)))

    def ids(items: list[Item]) -> set[str]:
        importer = Importer("import:x:y", BOOK, CONFIG, SeenIds().is_new)
        found = [result for item in items for result in importer.read(item)]
        return {each.event_id for each in found if isinstance(each, Liquidation)}

    whole = read(lines)
    done = whole[: data.draw(st.integers(0, len(whole)))]
    until = resume_line(done[-1]) if done else 1
    rest = read([line for line in lines if line.number >= until])
    assert ids(done) | ids(rest) == ids(whole)


@given(form=st.sampled_from(sorted(ARCHIVES)), first=st.binary(max_size=80))
def test_a_head_is_recognized_or_refused_with_a_sentence(form: str, first: bytes) -> None:
    head = FileHead("x.csv", first.replace(b"\n", b""))
    archive = ARCHIVES[form]
    archive.recognizes(head)
    try:
        archive.open(head, BOOK)
    except UnusableFileError as error:
        assert str(error).endswith(".")  # noqa: PT017 - both ways are right
