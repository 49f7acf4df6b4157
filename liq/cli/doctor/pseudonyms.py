"""Replacement of account addresses in frames by random ones of the same shape.

Captures can be published, because they do not reveal accounts. One account has one pseudonym
throughout a capture, drawn at random, so it cannot be traced back. Replaced are:

- hexadecimal numbers with `0x` and 16 digits or more: addresses and the hashes of transactions,
  which a block explorer resolves to an address; without `0x`, those of 40, 64 and 80 digits;
- bech32 addresses (`dydx1...`) and base58 keys of 32 to 44 characters (Solana);
- numbers and texts under a key that names an account (`ask_account_id`, `user`, `owner`, ...).

Zeros (`0x000...`: no account) and the addresses that a reader has to recognize, such as a venue's
own vaults, are kept. No other character of a frame changes.
"""

import json
import random
import re
from collections.abc import Callable, Collection
from typing import Final

ACCOUNT_WORDS: Final = frozenset(
    {"account", "accounts", "subaccount", "user", "users", "owner", "wallet", "trader"}
    | {"address", "addresses", "liquidator", "authority", "payer", "client", "cloid", "hash"}
)
# Words of keys that do not identify an account: `ask_account_pnl`, `user_type`.
OTHER_WORDS: Final = frozenset(
    {"balance", "changed", "count", "fee", "kind", "leverage", "margin", "pnl", "rate", "sign"}
    | {"size", "status", "tier", "time", "timestamp", "ts", "tx", "type", "value"}
)
# Inside an object under an account's key, these identify the account.
INNER_WORDS: Final = frozenset({"id", "index", "key", "number"})
# Shorter numbers have too few pseudonyms to choose from.
SHORTEST_NUMBER: Final = 6
# JSON parsers are limited to integers of 64 bits.
LONGEST_NUMBER: Final = 18
MAX_DEPTH: Final = 4
BECH32: Final = "023456789acdefghjklmnpqrstuvwxyz"
BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
HEXADECIMAL: Final = "0123456789abcdef"
DIGITS: Final = "0123456789"
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]|[^"{}\[\],:\s]+|[\s:]+|"', re.DOTALL)
_KEY_ENDS = re.compile(r"\s*:")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_INTEGER = re.compile(r"\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?|[+-]\d+", re.ASCII)
_HEX_NUMBER = re.compile(
    r"(?P<prefix>0[xX])(?P<long>[0-9a-fA-F]{16,})"
    r"|(?<![0-9a-zA-Z])(?=\d*[a-fA-F])(?P<bare>[0-9a-fA-F]{80}|[0-9a-fA-F]{64}|[0-9a-fA-F]{40})(?![0-9a-zA-Z])",
    re.ASCII,
)
_BECH32_ADDRESS = re.compile(
    rf"(?<![0-9a-zA-Z])(?P<prefix>[a-z]{{2,12}}1)(?P<data>[{BECH32}]{{38,64}})(?![0-9a-zA-Z])"
)
_BASE58_KEY = re.compile(
    rf"(?<![0-9a-zA-Z])(?=[^\W_]*[a-z])(?=[^\W_]*[A-Z])(?=[^\W_]*\d)[{BASE58}]{{32,44}}"
    r"(?![0-9a-zA-Z])",
    re.ASCII,
)


class Pseudonyms:
    """The pseudonyms of one capture; `kept` addresses are not replaced, in upper or lower case.

    The size of the capture limits the number of remembered accounts.
    """

    def __init__(
        self, kept: Collection[str] = (), random_source: random.Random | None = None
    ) -> None:
        self._kept = frozenset(address.lower() for address in kept)
        self._random = random_source or random.SystemRandom()
        self._drawn: dict[str, str] = {}
        self._used: set[str] = set()

    def __len__(self) -> int:
        """Return the number of replaced accounts and hashes."""
        return len(self._drawn)

    def replace(self, text: str, depth: int = 0) -> str:
        """Return a frame without account addresses; `text` may be any text, and JSON stays JSON."""
        parts: list[str] = []
        # For each open bracket: the bracket, and whether its key identifies an account.
        stack: list[tuple[str, bool]] = []
        is_account = False
        for match in _TOKEN.finditer(text):
            piece = match[0]
            if piece in "{[":
                stack.append((piece, is_account))
                is_account = is_account and piece == "["
            elif piece in "}]":
                is_account = stack.pop()[1] if stack else False
            elif piece == ",":
                is_account = bool(stack) and stack[-1] == ("[", True)
            elif piece[0] == '"' and len(piece) > 1:
                if _KEY_ENDS.match(text, match.end()):
                    is_inner = bool(stack) and stack[-1] == ("{", True)
                    is_account = _names_account(piece, is_inner=is_inner)
                    piece = self._quoted(piece, depth, is_account=False)
                else:
                    piece = self._quoted(piece, depth, is_account=is_account)
            elif is_account and _INTEGER.fullmatch(piece):
                piece = self._number(piece)
            else:
                piece = self._patterns(piece)
            parts.append(piece)
        return "".join(parts)

    def _quoted(self, piece: str, depth: int, *, is_account: bool) -> str:
        """Return a JSON string; its bytes are unchanged if no address in it is replaced."""
        try:
            value = json.loads(piece, strict=False)
        except ValueError:
            value = piece[1:-1]
        if is_account and value and not _DECIMAL.fullmatch(value):
            replaced = self._whole(value)
        elif '"' in value and depth < MAX_DEPTH:
            replaced = self.replace(value, depth + 1)
        else:
            replaced = self._patterns(value)
        return piece if replaced == value else json.dumps(replaced)

    def _whole(self, value: str) -> str:
        """Replace the value of a key that identifies an account."""
        if _INTEGER.fullmatch(value):
            return self._number(value)
        replaced = self._patterns(value)
        if replaced != value or self._is_kept(value) or not value.strip("0xX"):
            return replaced
        longer = value + LETTERS[: max(0, SHORTEST_NUMBER - len(value))]
        return self._draw(value, lambda: "".join(map(self._alike, longer)))

    def _patterns(self, text: str) -> str:
        if len(text) < SHORTEST_NUMBER:
            return text
        text = _HEX_NUMBER.sub(self._hex, text)
        text = _BECH32_ADDRESS.sub(
            lambda match: match["prefix"] + self._characters(match["data"], BECH32), text
        )
        return _BASE58_KEY.sub(lambda match: self._characters(match[0], BASE58), text)

    def _hex(self, match: re.Match[str]) -> str:
        digits = match["long"] or match["bare"]
        if self._is_kept(match[0]) or not digits.strip("0"):
            return match[0]
        drawn = self._characters(digits.lower(), HEXADECIMAL)
        # The case of the letters is a checksum.
        cased = (
            new.upper() if old.isupper() else new for old, new in zip(digits, drawn, strict=True)
        )
        return (match["prefix"] or "") + "".join(cased)

    def _is_kept(self, value: str) -> bool:
        return value.lower() in self._kept

    def _characters(self, value: str, alphabet: str) -> str:
        return self._draw(value, lambda: "".join(self._random.choices(alphabet, k=len(value))))

    def _number(self, value: str) -> str:
        length = min(max(len(value), SHORTEST_NUMBER), LONGEST_NUMBER)
        first, last = 10 ** (length - 1), 10**length - 1
        return self._draw(value, lambda: str(self._random.randint(first, last)))

    def _alike(self, character: str) -> str:
        if character in DIGITS:
            return self._random.choice(DIGITS)
        if not character.isalpha():
            return character
        letter = self._random.choice(LETTERS)
        return letter.upper() if character.isupper() else letter

    def _draw(self, value: str, draw: Callable[[], str]) -> str:
        """Return the pseudonym of a value: drawn at its first occurrence, and unique."""
        known = self._drawn.get(value)
        if known is not None:
            return known
        for _ in range(100):
            drawn = draw()
            if drawn != value and drawn not in self._used:
                break
        self._used.add(drawn)
        self._drawn[value] = drawn
        return drawn


def _names_account(piece: str, *, is_inner: bool) -> bool:
    try:
        name = json.loads(piece, strict=False)
    except ValueError:
        name = piece
    words = {word.lower() for word in _WORD.findall(name)}
    if is_inner and words & INNER_WORDS:
        return True
    is_hash = "hash" in words
    return bool(words & ACCOUNT_WORDS) and (is_hash or not words & OTHER_WORDS)
