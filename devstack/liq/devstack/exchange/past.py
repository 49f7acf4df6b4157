"""A local history: serves a local exchange's liquidations over a venue's REST API and limits.

It is for tests and demonstrations; no code here connects to a real exchange.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from liq.devstack.local_http import LocalHttp

LISTING: Final = "/listing"


class PastRow(NamedTuple):
    """A liquidation's row in REST, with its time (UTC, ms) and symbol."""

    time_ms: int
    symbol: str
    row: Any


class Call(NamedTuple):
    """A client's request: the path behind `/history`, and the query or the posted document."""

    path: str
    query: Mapping[str, str]

    def number(self, name: str) -> int:
        """Return a parameter of the query as a number."""
        return int(self.query[name])


@dataclass(frozen=True, kw_only=True)
class Past:
    """The behaviour of one feed's history: as measured, or else as the exchange documents it.

    Attributes:
        exchange: The exchange.
        feed: The live feed.
        setting: The environment variable that replaces the history's address.
        rows: Return the REST rows of a live frame.
        answer: Return the answer to a call, given all rows in the order of time.
        calls: The number of calls that the limit allows in `seconds`.
        seconds: See `calls`.
        listing_setting: The environment variable that replaces the address of the listing.
        list_symbols: Return the listing of some symbols.
        frame: Return an answer with one liquidation of a symbol, for a feed that is polled and has
            no dialect; the number makes each different, as in a dialect.
        symbol: The symbol of such answers.
        settings: Further environment variables of a backfill.
    """

    exchange: str
    feed: str
    setting: str
    rows: Callable[[Any], list[PastRow]]
    answer: Callable[[Sequence[PastRow], Call], Any]
    calls: int
    seconds: float
    listing_setting: str = ""
    list_symbols: Callable[[Sequence[str]], Any] | None = None
    frame: Callable[[str, int], Any] | None = None
    symbol: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass
class LocalHistory:
    """Server of one feed's history, inside a `with` statement.

    `asked` has every answered call, `limited` counts the calls beyond the limit. Set the faults at
    any time:

    - `status`: answer calls with this HTTP status, and `retry_after_seconds` if set
    - `bodies`: the next answers, instead of the true ones
    - `location`: redirect calls there
    - `is_cut`: cut answers off in the middle
    - `fails_after`: answer 503 after this number of calls
    """

    past: Past
    scale: float = 1.0
    asked: list[Call] = field(default_factory=list)
    limited: int = 0
    status: int | None = None
    retry_after_seconds: int | None = None
    bodies: deque[bytes] = field(default_factory=deque)
    location: str = ""
    is_cut: bool = False
    fails_after: int | None = None
    _rows: list[PastRow] = field(default_factory=list)
    _times: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Create the server."""
        self._lock = threading.Lock()
        self._http = LocalHttp(self.serve)

    def __enter__(self) -> Self:
        """Serve on a free port."""
        self._http.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop serving."""
        self._http.__exit__(*exc)

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which a backfill uses this server."""
        found = {**self.past.settings, self.past.setting: f"{self._http.address}/history"}
        if self.past.listing_setting:
            found[self.past.listing_setting] = f"{self._http.address}{LISTING}"
        return found

    def add(self, frames: Sequence[Any]) -> None:
        """Add the rows of live frames to the history."""
        rows = [row for frame in frames for row in self.past.rows(frame)]
        with self._lock:
            self._rows = sorted([*self._rows, *rows], key=lambda row: row.time_ms)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one call."""
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if handler.command == "POST":
            posted = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
            query |= {name: str(value) for name, value in posted.items()}
        call = Call(parts.path.removeprefix("/history"), query)
        with self._lock:
            status, body = self._judged(call, is_listing=parts.path == LISTING)
        handler.send_response(status)
        if self.location:
            handler.send_header("Location", self.location)
        if status != HTTPStatus.OK and self.retry_after_seconds is not None:
            handler.send_header("Retry-After", str(self.retry_after_seconds))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if self.is_cut else body)
        if self.is_cut:
            handler.close_connection = True

    def _judged(self, call: Call, *, is_listing: bool) -> tuple[int, bytes]:
        """Return status and body of a call."""
        if fault := self._fault():
            return fault, b"no"
        if is_listing and self.past.list_symbols is not None:
            symbols = sorted({row.symbol for row in self._rows})
            return HTTPStatus.OK, json.dumps(self.past.list_symbols(symbols)).encode()
        self.asked.append(call)
        if self.bodies:
            return HTTPStatus.OK, self.bodies.popleft()
        return HTTPStatus.OK, json.dumps(self.past.answer(self._rows, call)).encode()

    def _fault(self) -> int | None:
        """Return the status of a failed or refused call, or None for an answered one."""
        if self.location:
            return HTTPStatus.FOUND
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if self.status is None and not self._is_allowed():
            self.limited += 1
            return HTTPStatus.TOO_MANY_REQUESTS
        return self.status

    def _is_allowed(self) -> bool:
        now = time.monotonic()
        while self._times and now - self._times[0] >= self.past.seconds * self.scale:
            self._times.popleft()
        self._times.append(now)
        return len(self._times) <= self.past.calls
