"""Tables in the terminal show what strangers wrote, and do nothing else."""

import io

import pytest
from rich.console import Console

from liq.cli import console
from liq.cli.results import answer_of, table_of, visible


@pytest.mark.parametrize(
    "text", ["BTCUSDT", "币安人生USDT", "بتكوين", "a\nb\tc", "é", "\U0001f680", ""]
)
def test_what_can_be_seen_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb", "a\\rb"),
        ("\u202eTDSUCTB", "\\u202eTDSUCTB"),
        ("BTC\u200bUSDT", "BTC\\u200bUSDT"),
        ("\x85", "\\x85"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_moves_the_cursor_or_turns_text_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_symbol_is_no_markup() -> None:
    written = io.StringIO()
    screen = Console(
        file=written,
        width=100,
        markup=console.out._markup,
        emoji=console.out._emoji,
    )
    screen.print(
        table_of(["symbol"], [["[link=https://example.com]x[/link]"], [":gold:"], ["[/]"]])
    )
    assert "[link=https://example.com]x[/link]" in written.getvalue()
    assert ":gold:" in written.getvalue()
    assert "[/]" in written.getvalue()


class Answering:
    """A client whose answer is known."""

    def __init__(self, names: list[str], rows: list[tuple[object, ...]]) -> None:
        self.column_names = names
        self.result_rows = rows

    def query(self, _query: str) -> "Answering":
        return self


def printed(names: list[str], rows: list[tuple[object, ...]]) -> str:
    written = io.StringIO()
    screen = Console(file=written, width=80, markup=False, emoji=False)
    screen.print(answer_of(Answering(names, rows), "", screen), highlight=False)  # type: ignore[arg-type]
    return written.getvalue()


def test_a_wide_row_is_written_one_column_a_line() -> None:
    names = [f"column_{number}" for number in range(29)]
    text = printed(names, [tuple(range(29)), ("\x1b[2J", *range(28))])
    assert "…" not in text
    assert "Row 2\n  column_0   \\x1b[2J" in text
    assert len(text.splitlines()) == 2 * 30


def test_a_row_that_fits_is_a_table() -> None:
    text = printed(["symbol", "usd"], [("BTCUSDT", 5)])
    assert "Row" not in text
    assert "BTCUSDT" in text
