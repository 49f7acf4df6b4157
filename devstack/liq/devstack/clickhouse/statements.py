"""The analysis of a request's SQL that the HTTP interface needs before the engine runs it.

The engine parses SQL. This module only finds where an INSERT's data begin, whether a statement
returns rows, and statements that only the command-line client supports, on its own files.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode

# Comments and quoted texts are tokens, so that their content does not count as words.
_TOKEN: Final = re.compile(
    rb"""
    (?P<blank>\s+|--[^\n]*|\#[!\ ][^\n]*|/\*.*?\*/)
  | (?P<literal>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`
      |\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<mark>.)
    """,
    re.DOTALL | re.VERBOSE,
)
# An INSERT must have its FORMAT within this length, like a server's max_query_size.
_HEAD_BYTES: Final = 256 * 1024
_MAX_STATEMENT_BYTES: Final = 64 * 1024 * 1024
_DATA_START: Final = re.compile(rb"[ \t\f]*;?[ \t\f]*\r?\n?")
_ANSWERS: Final = frozenset(
    {"SELECT", "WITH", "FROM", "(", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK"}
)
_OWN_FILES: Final = frozenset({(b"INTO", b"OUTFILE"), (b"FROM", b"INFILE")})
# Statements whose effect would end with the request.
_OF_SESSIONS: Final = frozenset({"SET", "USE"})


@dataclass(frozen=True)
class Command:
    """A statement without data; `answers` is true if it returns rows."""

    sql: bytes
    answers: bool


@dataclass(frozen=True)
class DataInsert:
    """An INSERT followed by rows: its text up to SETTINGS, its SETTINGS, its FORMAT."""

    head: bytes
    settings: bytes
    format: str


def read(
    query: bytes, chunks: Iterator[bytes]
) -> tuple[Command, tuple[()]] | tuple[DataInsert, Iterable[bytes]]:
    """Read a statement, without reading more of its data than the chunks of its text contain.

    Args:
        query: SQL from the URL; the body continues it on the next line.
        chunks: The body.

    Returns:
        The statement, and the data behind it.

    Raises:
        ClickHouseError: 62 for no statement or several, 48 for an unsupported statement, 229 for a
            statement that is too long.
    """
    text = query + b"\n" if query else b""
    complete = False
    while not complete and len(text) < _HEAD_BYTES:
        insert = find_data_insert(text, complete=False)
        if insert is not None:
            statement, offset = insert
            return statement, chain([text[offset:]], chunks)
        piece = next(chunks, None)
        complete = piece is None
        text += piece or b""
    for piece in chunks:
        text += piece
        if len(text) > _MAX_STATEMENT_BYTES:
            raise ClickHouseError.named(
                ErrorCode.QUERY_IS_TOO_LARGE,
                f"The statement is longer than {_MAX_STATEMENT_BYTES} bytes.",
            )
    insert = find_data_insert(text, complete=True)
    if insert is not None:
        statement, offset = insert
        return statement, [text[offset:]]
    return read_command(text), ()


def find_data_insert(text: bytes, *, complete: bool) -> tuple[DataInsert, int] | None:
    """Return an INSERT followed by rows, and the offset of the rows; None for any other text.

    Args:
        text: The text, or its beginning.
        complete: Whether `text` is the whole text.
    """
    words = _words(text)
    if next(words, (b"", 0, 0))[0] != b"INSERT":
        return None
    previous, settings_start = b"", None
    for word, start, _ in words:
        is_name = previous in {b".", b"INTO", b"TABLE"}
        if is_name:
            pass
        elif word in {b"VALUES", b"SELECT", b"WITH", b"INFILE"}:
            return None
        elif word == b"SETTINGS":
            settings_start = start
        elif word == b"FORMAT":
            name, name_start, name_end = next(words, (b"", 0, 0))
            if not name or (name_end == len(text) and not complete):
                return None
            head_end = start if settings_start is None else settings_start
            data = _DATA_START.match(text, name_end)
            insert = DataInsert(
                head=text[:head_end],
                settings=text[head_end:start],
                format=text[name_start:name_end].decode("latin-1"),
            )
            return insert, data.end() if data else name_end
        previous = word
    return None


def read_command(text: bytes) -> Command:
    """Return a statement without data.

    Raises:
        ClickHouseError: 62 for no statement or several, 48 for an unsupported statement.
    """
    words = [word for word, _, _ in _words(text)]
    while words and words[-1] == b";":
        words.pop()
    if not words:
        raise ClickHouseError.named(ErrorCode.SYNTAX_ERROR, "Empty query.")
    if b";" in words:
        raise ClickHouseError.named(
            ErrorCode.SYNTAX_ERROR, "Multi-statements are not allowed: send one at a time."
        )
    first = words[0].decode("latin-1")
    if _OWN_FILES.intersection(pairwise(words)):
        raise ClickHouseError.named(
            ErrorCode.NOT_IMPLEMENTED, "INTO OUTFILE and FROM INFILE use files of the client."
        )
    if first in _OF_SESSIONS or words[:2] == [b"CREATE", b"TEMPORARY"]:
        raise ClickHouseError.named(
            ErrorCode.NOT_IMPLEMENTED,
            "The embedded ClickHouse has no sessions, so SET, USE and CREATE TEMPORARY TABLE leave"
            " nothing behind; set CLICKHOUSE=server for a server that has them.",
        )
    return Command(text, answers=first in _ANSWERS)


def _words(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield words in upper case, and marks, outside of parentheses; a quoted text is one `'`."""
    depth = 0
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind == "blank":
            continue
        value = b"'" if kind in {"literal", "tag"} else found.group().upper()
        if value in {b")", b"]", b"}"}:
            depth -= 1
        if depth == 0:
            yield value, found.start(), found.end()
        if value in {b"(", b"[", b"{"}:
            depth += 1
