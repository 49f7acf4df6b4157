"""Limits on figures, and the page that the tables go to."""

from pathlib import Path

import pytest

from benchmarks.detection.limits import Limit, missed
from benchmarks.detection.page import markdown, write_part


@pytest.mark.parametrize("value", [0.94, 1.0])
def test_a_figure_in_bounds_is_no_sentence(value: float) -> None:
    assert missed([Limit("recall", value, least=0.94, most=1.0)]) == []


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (Limit("recall", 0.9, least=0.94), "recall is 0.900, must be at least 0.94"),
        (Limit("false a day", 2, most=1.2), "false a day is 2.000, must be at most 1.2"),
        (Limit("delay", float("nan"), most=7.0), "delay is nan, must be at most 7"),
    ],
)
def test_a_figure_out_of_bounds_is_a_sentence(limit: Limit, sentence: str) -> None:
    assert missed([limit]) == [sentence]


def test_a_part_of_a_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- begin: eval days -->\nold\n<!-- end: eval days -->\nb\n")
    write_part(page, "days", markdown(("x", "y"), [("1", "2")]))
    assert page.read_text() == (
        "a\n<!-- begin: eval days -->\n\n| x | y |\n| --- | --- |\n| 1 | 2 |\n\n"
        "<!-- end: eval days -->\nb\n"
    )
    with pytest.raises(ValueError, match="lacks the marks"):
        write_part(page, "recordings", "new")
