"""The valid characters of a symbol: letters of every script, and no invisible character."""

from typing import Final
from unicodedata import category

# dYdX's isolated markets have 65, with the address of a token. At most 512 bytes of UTF-8.
MAX_SYMBOL_CHARACTERS: Final = 128
# Controls, invisible formatting (bidirectional overrides, zero widths), halves of surrogate pairs,
# and separators of lines and paragraphs: they can forge or hide text around a symbol.
REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def is_visible(symbol: str) -> bool:
    """Return whether a text is short enough for a symbol, with visible characters only."""
    if not 0 < len(symbol) <= MAX_SYMBOL_CHARACTERS:
        return False
    return not any(category(character) in REFUSED_CATEGORIES for character in symbol)
