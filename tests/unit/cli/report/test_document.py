"""A file that loads nothing, allows exactly its own scripts, and in which data stay data."""

import json
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.cli.report.document import document, embedded_json

HOSTILE = "</script><script>alert(1)</script><!--\u2028\u2029&amp;\"'"


def made(**changes: object) -> str:
    parts: dict[str, object] = {
        "title": HOSTILE, "body": "<p>é</p>", "styles": ["p { color: red }"],
        "scripts": ["first();\n", "const é = 1;"], "data": {"name": HOSTILE}, **changes,
    }  # fmt: skip
    return document(**parts)  # type: ignore[arg-type]


def test_the_policy_allows_the_scripts_and_styles_by_their_hashes() -> None:
    text = made()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert text.index("Content-Security-Policy") < text.index("<style>")
    for kind, directive in (("script", "script-src"), ("style", "style-src")):
        inline = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        hashes = [b64encode(sha256(each.encode()).digest()).decode() for each in inline]
        allowed = " ".join(f"'sha256-{each}'" for each in hashes)
        assert f"{directive} {allowed};" in policy[1]
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]


@pytest.mark.parametrize("end", ["</SCRIPT >", "<!--", "<script>", "</style>", "a\r\nb"])
def test_a_script_that_would_end_early_is_refused(end: str) -> None:
    with pytest.raises(ValueError, match="contains"):
        made(scripts=[f"const a = '{end}';"])


def test_hostile_text_stays_text() -> None:
    text = made()
    assert text.count("<script") == 3
    assert text.count("</script>") == 3
    assert "<!--" not in text
    assert "\u2028" not in embedded_json(HOSTILE)


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=5))
def test_data_are_read_as_they_were_and_hold_no_markup(data: object) -> None:
    text = embedded_json(data)
    assert json.loads(text) == data
    assert text.isascii()
    assert not set("<>&") & set(text)


def test_a_number_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        embedded_json(float("nan"))
