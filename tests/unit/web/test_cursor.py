from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.web.cursor import MAX_CHARACTERS, CursorError, from_text, to_text
from liq.web.records import Place, Stream

PLACES = st.builds(Place, st.sampled_from(Stream), st.integers(0, 999_999))


@given(st.dictionaries(PLACES, st.integers(0, 10**18 - 1), min_size=1, max_size=40))
def test_a_cursor_is_read_back(cursor: dict[Place, int]) -> None:
    text = to_text(cursor)
    assert "\n" not in text
    if len(text) <= MAX_CHARACTERS:
        assert from_text(text) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "liquidations",
        "liquidations=",
        "liquidations=0",
        "liquidations=0:-1",
        "liquidations=0:1e9",
        "prices=0:1",
        "liquidations=0:1;",
        "liquidations=0:" + "9" * 19,
        "liquidations=0:1\nid: 5",
        "cascades=" + ".".join(f"{number}:1" for number in range(2_000)),
    ],
)
def test_nonsense_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(CursorError, match=r"position|stream"):
        from_text(text)


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    with suppress(CursorError):
        assert to_text(from_text(text))
