"""`liq watch`: what a terminal shows of the last day, and what it never does."""

import io
import time
from decimal import Decimal

import orjson
from rich.console import Console

from liq.cli.watching import dollars, line, screen, sentence
from liq.schemas.codec import encode
from liq.schemas.vocabulary import AlertType
from liq.web.board import Board
from liq.web.horizon import Horizon
from liq.web.records import Place, Stream, StreamRecord, read
from tests.support import sample_records
from tests.support.web_records import liquidation

HOSTILE = "BTC\x1b[2J\u202e[bold]x"


def taken(board: Board, stream: Stream, value: bytes) -> StreamRecord:
    record, document = read(Place(stream, 0), 0, value)
    board.take(record, document)
    return record


def shown(board: Board, newest: list[StreamRecord], horizon: Horizon) -> str:
    written = io.StringIO()
    console = Console(file=written, width=140, force_terminal=True, color_system=None, markup=False)
    console.print(screen(board, newest, horizon, height=40))
    return written.getvalue()


def test_the_screen_has_cascades_sums_and_the_tape() -> None:
    board, now_ms = Board(), int(time.time() * 1000)
    alert = {
        **orjson.loads(encode(sample_records.alert(1))),
        "type": AlertType.DETECTED,
        "asset": HOSTILE,
        "explanation": f"{HOSTILE} runs",
    }
    taken(board, Stream.CASCADES, orjson.dumps(alert))
    records = [
        taken(
            board,
            Stream.LIQUIDATIONS,
            liquidation(
                number, base=HOSTILE, timestamp_ms=now_ms, value_usd=Decimal(2_500_000 * number)
            ),
        )
        for number in range(3)
    ]
    horizon = Horizon(now_ms, now_ms, now_ms, 0, is_complete=False, sentence="A stage is late.")
    text = shown(board, records, horizon)
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "BTC\\x1b[2J\\u202e[bold]x" in text
    assert "A stage is late." in text
    assert "$5.00M" in text
    assert "Open cascades" in text
    assert "\x1b" not in line(records[0]) + sentence(alert)


def test_no_cascade_is_said() -> None:
    horizon = Horizon(0, None, None, None, is_complete=True, sentence="")
    text = shown(Board(), [], horizon)
    assert "No cascade runs" in text
    assert "no clock yet" in text


def test_dollars_are_short() -> None:
    assert [dollars(each) for each in ("9.4", "1250", 3_400_000, "2.5e9")] == [
        *("$9", "$1.25k", "$3.40M", "$2.50B")
    ]
