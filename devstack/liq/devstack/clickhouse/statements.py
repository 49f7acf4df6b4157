"""What a request's SQL text is, as far as the HTTP side must know before the engine runs it.

The engine parses SQL; this module only finds where an INSERT's data begin, which format the text
names, and whether the statement answers with rows, changes its session, or touches files the way
only the command-line client may.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain, pairwise
from typing import NamedTuple

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode

_TOKEN = re.compile(
    rb"""
    (?P<blank>\s+|--[^\n]*|//[^\n]*|\#[!\ ][^\n]*|/\*.*?\*/)
  | (?P<literal>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`
      |\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>[0-9][0-9A-Za-z_.]*)
  | (?P<mark>.)
    """,
    re.DOTALL | re.VERBOSE,
)
# An INSERT must show its FORMAT within this much text; a server's max_query_size is the same.
_HEAD_BYTES = 256 * 1024
_MAX_STATEMENT_BYTES = 64 * 1024 * 1024
_DATA_START = re.compile(rb"[ \t\f]*;?[ \t\f]*\r?\n?")
_SELECTS = frozenset({"SELECT", "WITH", "FROM", "("})
_ANSWERS = _SELECTS | {"SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "KILL"}


class Kind(Enum):
    """How a statement is to be run."""

    SELECT = "select"  # answers with rows and can be streamed
    ANSWER = "answer"  # answers with rows, all at once
    COMMAND = "command"  # answers with nothing
    DATA_INSERT = "data insert"  # is followed by rows in a format


@dataclass(frozen=True)
class Statement:
    """One statement, and where in the text its data begin if it carries any."""

    kind: Kind
    sql: bytes  # for the engine; of a data insert the part before SETTINGS and FORMAT
    text: str  # for people and for fault rules: as sent, without the data
    format: str | None = None  # as named in the text
    sql_settings: bytes = b""  # of a data insert the part from SETTINGS to FORMAT
    data_offset: int = 0
    changes_session: bool = False  # leaves something behind that the next statement may need
    changes_database: bool = False


class _Token(NamedTuple):
    kind: str
    text: str  # words in capitals; literals empty
    start: int
    end: int
    depth: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.depth == 0 and (not words or self.text in words)


def _tokens(text: bytes) -> Iterator[_Token]:
    depth = 0
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or "literal"
        if kind == "blank":
            continue
        if kind in {"literal", "tag"}:
            yield _Token("literal", "", found.start(), found.end(), depth)
            continue
        value = found.group().decode("latin-1").upper()
        if value in {")", "]", "}"}:
            depth -= 1
        yield _Token(kind, value, found.start(), found.end(), depth)
        if value in {"(", "[", "{"}:
            depth += 1


def parse(text: bytes, *, complete: bool) -> Statement | None:
    """Recognise the statement at the beginning of a text.

    Args:
        text: The text, or its beginning.
        complete: Whether nothing follows. An INSERT is recognised as soon as its FORMAT is there;
            any other statement only when it is complete.

    Returns:
        The statement, or None when more text is needed.

    Raises:
        ClickHouseError: The text is empty, holds several statements, or asks for what a server
            does not do for a client (INTO OUTFILE, FROM INFILE).
    """
    tokens = _tokens(text)
    first = next(tokens, None)
    if first is None:
        if complete:
            raise ClickHouseError.named(ErrorCode.SYNTAX_ERROR, "Empty query.")
        return None
    if first.is_word("INSERT"):
        return _parse_insert(text, tokens, complete=complete)
    return _parse_other(text, first, list(tokens)) if complete else None


def read(query: bytes, chunks: Iterator[bytes]) -> tuple[Statement, Iterable[bytes]]:
    """Read a statement, and nothing of its data beyond the pieces its text came in.

    Args:
        query: SQL from the URL or a form; the body continues it on the next line.
        chunks: The body.

    Returns:
        The statement, and the data behind it (empty unless it is a data insert).

    Raises:
        ClickHouseError: As `parse`, and 229 for a statement that is too long.
    """
    text = query + b"\n" if query else b""
    complete = False
    while not complete and len(text) < _HEAD_BYTES:
        piece = next(chunks, None)
        complete = piece is None
        text += piece or b""
    statement = parse(text, complete=complete)
    if statement is None:
        text = join(chain([text], chunks), _MAX_STATEMENT_BYTES)
        statement = parse(text, complete=True)
    if statement is None:
        raise ClickHouseError.named(ErrorCode.SYNTAX_ERROR, "The statement has no end.")
    if statement.kind is not Kind.DATA_INSERT:
        return statement, ()
    return statement, chain([text[statement.data_offset :]], chunks)


def join(chunks: Iterable[bytes], limit_bytes: int) -> bytes:
    """Read all of a body that has to be in memory at once.

    Raises:
        ClickHouseError: 229 when it is longer than the limit.
    """
    whole = bytearray()
    for piece in chunks:
        whole += piece
        if len(whole) > limit_bytes:
            raise ClickHouseError.named(
                ErrorCode.QUERY_IS_TOO_LARGE, f"The request is longer than {limit_bytes} bytes."
            )
    return bytes(whole)


def _parse_insert(text: bytes, tokens: Iterator[_Token], *, complete: bool) -> Statement | None:
    previous = ""
    selects = False
    settings_start: int | None = None
    for token in tokens:
        is_name = previous in {".", "INTO", "TABLE"}
        if token.is_word("FORMAT") and not is_name:
            name = next(tokens, None)
            if name is None or (name.end == len(text) and not complete):
                return None
            if name.is_word():
                head_end = token.start if settings_start is None else settings_start
                return _insert_with_data(text, (head_end, token.start), name, selects=selects)
        if token.is_word("VALUES") and not is_name:
            break
        if token.is_word("INFILE"):
            raise ClickHouseError.named(
                ErrorCode.NOT_IMPLEMENTED, "FROM INFILE reads the client's files; send the data."
            )
        selects = selects or token.is_word("SELECT", "WITH")
        if settings_start is None and token.is_word("SETTINGS") and not is_name:
            settings_start = token.start
        previous = token.text
    if not complete:
        return None
    return Statement(Kind.COMMAND, text, _for_people(text))


def _insert_with_data(
    text: bytes, settings: tuple[int, int], name: _Token, *, selects: bool
) -> Statement:
    if selects:
        raise ClickHouseError.named(
            ErrorCode.NOT_IMPLEMENTED,
            "INSERT ... SELECT ... FROM input() with data is not available in the embedded"
            " ClickHouse; insert into a temporary table of a session first.",
        )
    data_start = _DATA_START.match(text, name.end)
    return Statement(
        Kind.DATA_INSERT,
        sql=text[: settings[0]],
        sql_settings=text[slice(*settings)],
        text=_for_people(text[: name.end]),
        format=text[name.start : name.end].decode("latin-1"),
        data_offset=data_start.end() if data_start else name.end,
    )


def _parse_other(text: bytes, first: _Token, rest: list[_Token]) -> Statement:
    for token, following in pairwise(rest):
        if token.text == ";" and token.depth == 0:
            raise ClickHouseError.named(
                ErrorCode.SYNTAX_ERROR, "Multi-statements are not allowed: send one at a time."
            )
        if token.is_word("INTO") and following.is_word("OUTFILE"):
            raise ClickHouseError.named(
                ErrorCode.INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed over HTTP."
            )
    return Statement(
        _kind(first, rest),
        text,
        _for_people(text),
        format=_named_format(text, rest),
        changes_session=first.text in {"SET", "USE"}
        or (first.text == "CREATE" and any(word.is_word("TEMPORARY") for word in rest[:3])),
        changes_database=first.text == "USE",
    )


def _kind(first: _Token, rest: list[_Token]) -> Kind:
    if first.text not in _ANSWERS or any(token.is_word("INSERT") for token in rest):
        return Kind.COMMAND
    # Totals stand outside the blocks of a result, so such a result is taken whole.
    if first.text in _SELECTS and not any(token.is_word("TOTALS") for token in rest):
        return Kind.SELECT
    return Kind.ANSWER


def _named_format(text: bytes, tokens: list[_Token]) -> str | None:
    """Return the format of a trailing FORMAT clause; SETTINGS may stand behind it."""
    for index in range(len(tokens) - 2, -1, -1):
        keyword, name = tokens[index : index + 2]
        if keyword.is_word("FORMAT") and name.is_word():
            behind = tokens[index + 2 : index + 3]
            if not behind or behind[0].text == ";" or behind[0].is_word("SETTINGS"):
                return text[name.start : name.end].decode("latin-1")
    return None


def _for_people(text: bytes) -> str:
    return text.decode("utf-8", "replace")
