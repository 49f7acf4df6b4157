"""HTTP sessions: what SET, USE and CREATE TEMPORARY TABLE leave for the next request.

A session keeps an engine connection only once a statement has left something in it. Clients open
sessions out of habit, and a request of a session without contents is like any other.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from liq.devstack.clickhouse.engine import EngineConnection
from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode
from liq.devstack.clickhouse.requests import SessionRequest


@dataclass
class Session:
    """One session; `connection` is None while it holds nothing."""

    expires_at_s: float
    busy: bool = False
    connection: EngineConnection | None = None


class Sessions:
    """All sessions of the process, safe to use from any thread."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        """Start with no session; `clock_s` is a monotonic clock in seconds."""
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    @contextmanager
    def hold(self, request: SessionRequest) -> Iterator[Session]:
        """Have a session to oneself.

        Raises:
            ClickHouseError: 373 while another request holds it, 372 when it has to exist and
                does not.
        """
        with self._lock:
            self._drop_expired()
            session = self._sessions.get(request.session_id)
            if session is None:
                if request.must_exist:
                    raise ClickHouseError.named(
                        ErrorCode.SESSION_NOT_FOUND, f"Session {request.session_id} not found."
                    )
                session = self._sessions[request.session_id] = Session(0)
            if session.busy:
                raise ClickHouseError.named(
                    ErrorCode.SESSION_IS_LOCKED,
                    f"Session {request.session_id} is locked by a concurrent client.",
                )
            session.busy = True
        try:
            yield session
        finally:
            with self._lock:
                session.busy = False
                session.expires_at_s = self._clock_s() + request.timeout_s
                if request.close_after:
                    self._drop(request.session_id)

    def close(self) -> None:
        """Drop all sessions that no request holds."""
        with self._lock:
            for session_id in [key for key, session in self._sessions.items() if not session.busy]:
                self._drop(session_id)

    def _drop_expired(self) -> None:
        now_s = self._clock_s()
        expired = [
            key
            for key, session in self._sessions.items()
            if not session.busy and session.expires_at_s <= now_s
        ]
        for session_id in expired:
            self._drop(session_id)

    def _drop(self, session_id: str) -> None:
        session = self._sessions.pop(session_id)
        if session.connection is not None:
            session.connection.close()
