"""Texts from outside reach no chat's markup, no header and no terminal."""

import re
from unicodedata import category

from hypothesis import given
from hypothesis import strategies as st

from liq.sinks.notify.inert import MAX_CHARACTERS, inert, inert_id

ACTIVE = set("*_`~[]()<>@#|&{}\\/:.!?$%^=+\"'")


@given(st.text())
def test_no_character_that_a_chat_or_a_terminal_reads_is_left(text: str) -> None:
    shown = inert(text)
    assert len(shown) <= MAX_CHARACTERS
    assert not (set(shown) - {"?"}) & ACTIVE
    assert all(category(character)[0] not in "CZ" or character == " " for character in shown)


def test_names_stay_as_they_are() -> None:
    for name in ("BTC", "1INCH", "币安人生", "binance", "usdm-perp", "بتكوين"):
        assert inert(name) == name


def test_mentions_links_and_markup_become_mere_signs() -> None:
    assert inert("@everyone") == "\uff20everyone"
    assert inert("<b>x</b>") == "\uff1cb\uff1ex\uff1c\uff0fb\uff1e"
    assert "." not in inert("evil.com")
    assert inert("a\x1b[2J\u202eb\n") == "a?\uff3b2J?b?"


@given(st.text())
def test_an_id_is_plain_and_the_same_for_the_same_text(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_:-]{1,128}", inert_id(text))
    assert inert_id(text) == inert_id(text)


def test_ids_of_the_engine_stay_and_others_stay_apart() -> None:
    assert inert_id("cefdefc7a6a7d25a66b3dc665f9e7e32") == "cefdefc7a6a7d25a66b3dc665f9e7e32"
    assert len({inert_id("a\r\nb"), inert_id("a\nb"), inert_id("a b")}) == 3
