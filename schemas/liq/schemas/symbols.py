"""What may stand in a symbol, whoever wrote it: letters of every script, and nothing invisible."""

from typing import Final
from unicodedata import category

# dYdX's isolated markets take 65 with the address of a token. At most 512 bytes of UTF-8.
MAX_SYMBOL_CHARACTERS: Final = 128
# Controls, invisible formatting (bidirectional overrides, zero widths), halves of surrogate pairs,
# and separators of lines and paragraphs: what can forge or hide text around a symbol.
REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def is_visible(symbol: str) -> bool:
    """Return whether a text is short enough for a symbol and shows every character that it has."""
    if not 0 < len(symbol) <= MAX_SYMBOL_CHARACTERS:
        return False
    return not any(category(character) in REFUSED_CATEGORIES for character in symbol)
