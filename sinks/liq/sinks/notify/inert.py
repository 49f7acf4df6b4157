"""Neutralization of external texts for chats, headers, keys and terminals. Pure.

A symbol may contain any characters of any script, and any writer to a topic may write any text.
Chats interpret ASCII punctuation as markup, mentions and links: `*`, `<b>`, `@everyone`,
`[text](address)`, `<!channel>`, `name.com`. Full-width forms of the same signs have no meaning.
"""

import re
import unicodedata
from hashlib import blake2b
from typing import Final

MAX_CHARACTERS: Final = 64
#: ASCII punctuation has a full-width form at this distance.
FULL_WIDTH: Final = 0xFEE0
DIGEST_BYTES: Final = 16
_KEPT_CATEGORIES: Final = ("L", "N", "M")
_HARMLESS_ASCII: Final = frozenset(" -")
_is_plain_id: Final = re.compile(r"[A-Za-z0-9_:-]{1,128}").fullmatch


def inert(text: str) -> str:
    """Return a text without markup, mentions and links for chats, or commands for terminals.

    Letters, digits and marks of every script, spaces and hyphens stay. Other ASCII becomes its
    full-width form, any other character a question mark. At most `MAX_CHARACTERS` are kept.
    """
    kept = text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"
    return "".join(map(_inert_character, kept))


def inert_id(text: str) -> str:
    """Return an id that is safe in a header, a key or a signed text.

    An id of the engine stays unchanged. Any other text is replaced with its digest.
    """
    if _is_plain_id(text):
        return text
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


def _inert_character(character: str) -> str:
    if character in _HARMLESS_ASCII or character == "…":
        return character
    if unicodedata.category(character)[0] in _KEPT_CATEGORIES:
        return character
    if "!" <= character <= "~":
        return chr(ord(character) + FULL_WIDTH)
    return "?"
