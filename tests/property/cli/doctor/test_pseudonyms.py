"""Whatever a frame is, no address of an account survives, and JSON keeps its structure."""

import random
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from liq.cli.doctor.pseudonyms import BASE58, Pseudonyms

HEX = "0123456789abcdefABCDEF"
ADDRESSES = st.text(HEX, min_size=16, max_size=64).filter(lambda digits: digits.strip("0"))
KEYS = st.text(BASE58, min_size=44, max_size=44).filter(
    lambda key: (
        any(c.islower() for c in key)
        and any(c.isupper() for c in key)
        and any(c.isdigit() for c in key)
    )
)
ACCOUNTS = st.integers(10**9, 2**63 - 1)
LEAVES = st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=8)


@st.composite
def frames(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """A JSON document with accounts at random places, and what must not survive of them."""
    addresses = draw(st.lists(ADDRESSES, min_size=1, max_size=4))
    keys = draw(st.lists(KEYS, max_size=2))
    numbers = draw(st.lists(ACCOUNTS, min_size=1, max_size=3))
    secrets = st.sampled_from([f"0x{address}" for address in addresses] + keys)
    texts = secrets | secrets.map(lambda secret: f"see {secret}!")
    owners = st.fixed_dictionaries(
        {}, optional={"account_id": st.sampled_from(numbers), "user": secrets}
    )
    document = draw(
        st.recursive(
            LEAVES | texts | owners,
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(max_size=6) | secrets, inner, max_size=4)
            ),
        )
    )
    nested = draw(st.booleans())
    text = orjson.dumps({"error": orjson.dumps(document).decode()} if nested else document)
    return text, [*addresses, *keys, *(str(number) for number in numbers)]


def skeleton(value: Any) -> Any:
    """The structure of a document: types, and the lengths of what holds others."""
    if isinstance(value, dict):
        return [skeleton(one) for one in value.values()]
    if isinstance(value, list):
        return [skeleton(one) for one in value]
    return type(value).__name__


@given(frames(), st.integers())
def test_no_account_survives(frame: tuple[bytes, list[str]], seed: int) -> None:
    text, secrets = frame
    replaced = Pseudonyms(random_source=random.Random(seed)).replace(text.decode())  # noqa: S311 - drawn again the same
    assert skeleton(orjson.loads(replaced)) == skeleton(orjson.loads(text))
    for secret in secrets:
        assert secret.lower() not in replaced.lower()


@given(st.text() | st.text('{}[]":,\\0x19afAF- \n', max_size=60))
def test_any_text_is_taken(text: str) -> None:
    Pseudonyms(random_source=random.Random(0)).replace(text)  # noqa: S311 - drawn again the same


@given(
    st.recursive(
        LEAVES | st.floats(allow_nan=False),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
        ),
    )
)
def test_a_frame_without_accounts_keeps_every_byte(document: Any) -> None:
    text = orjson.dumps(document).decode()
    pseudonyms = Pseudonyms(random_source=random.Random(0))  # noqa: S311 - drawn again the same
    assert pseudonyms.replace(text) == text
