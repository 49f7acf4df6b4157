"""Access to the server: bearer tokens, and limits on open streams."""

import hmac
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MAX_STREAMS: Final = 1_000


class TooManyError(Exception):
    """A limit on open streams is reached; the message has the limit."""


class Tokens:
    """The accepted bearer tokens; without tokens, every request is accepted."""

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self._tokens = tuple(token.encode() for token in tokens)

    def accept(self, authorization: str) -> bool:
        """Return whether an `Authorization` header has one of the tokens."""
        if not self._tokens:
            return True
        scheme, _, given = authorization.partition(" ")
        found = given.strip().encode()
        # Compare every token, so that the time does not reveal a partial match.
        matches = [hmac.compare_digest(found, token) for token in self._tokens]
        return scheme.lower() == "bearer" and any(matches)


class StreamPlaces:
    """The limits on open streams, per client and in total."""

    def __init__(self, per_client: int, in_all: int = MAX_STREAMS) -> None:
        self._per_client = per_client
        self._in_all = in_all
        self._open: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """The number of open streams."""
        return self._open.total()

    @contextmanager
    def taken(self, client: str) -> Iterator[None]:
        """Count a stream of a client while the block runs.

        Raises:
            TooManyError: a limit is reached.
        """
        if self._open[client] >= self._per_client:
            raise TooManyError(f"a client may have {self._per_client} streams open at once")
        if self.count >= self._in_all:
            raise TooManyError(f"the server has {self._in_all} streams open, and takes no more")
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
