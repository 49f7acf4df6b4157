"""Liveness, readiness and metrics of a worker, on one HTTP port.

/healthz  200 while the worker's loop turns (it must call `beat` at least every 30 s)
/readyz   200 while every declared condition holds, else 503 with the reasons in words
/metrics  Prometheus text
"""

import threading
import time
from dataclasses import dataclass, field

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from liq.runtime.bounded_http import BoundedHandler, BoundedHTTPServer
from liq.runtime.errors import ConfigurationError
from liq.runtime.metrics import READY
from liq.runtime.redaction import without_logins

STALLED_AFTER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must hold for the worker to be ready, and why it does or does not."""

    holds: bool
    reason: str


@dataclass(slots=True)
class Health:
    """The state behind /healthz and /readyz; safe to use from several threads."""

    conditions: dict[str, Condition] = field(default_factory=dict)
    last_beat: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """Say that the worker's loop is turning."""
        self.last_beat = time.monotonic()

    def require(self, name: str, reason: str = "starting") -> None:
        """Declare a condition that does not hold yet."""
        self.set(name, holds=False, reason=reason)

    def set(self, name: str, *, holds: bool, reason: str) -> None:
        """Report a condition."""
        self.conditions[name] = Condition(holds, without_logins(reason))
        READY.labels(name).set(1 if holds else 0)

    @property
    def alive(self) -> bool:
        """Whether the loop turned lately."""
        return time.monotonic() - self.last_beat < STALLED_AFTER_SECONDS

    @property
    def ready(self) -> bool:
        """Whether the loop turns and every condition holds; no sooner than there is one."""
        conditions = list(self.conditions.values())
        return self.alive and bool(conditions) and all(each.holds for each in conditions)

    def describe(self) -> bytes:
        """The state as JSON."""
        return orjson.dumps(
            {"alive": self.alive, "ready": self.ready, "conditions": dict(self.conditions)}
        )


class HealthServer:
    """Serves a worker's health and metrics from threads, so that a stuck loop still answers."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        """Bind the port; 0 picks a free one.

        Raises:
            ConfigurationError: the port is taken or the address is not ours.
        """
        handler = type("Handler", (_Handler,), {"health": health})
        try:
            self._server = BoundedHTTPServer((host, port), handler)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot serve metrics and health on {host}:{port} ({error.strerror}). "
                "Set HTTP_PORT to a free port, or to 0 to pick one."
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BoundedHandler):
    health: Health

    def respond(self) -> None:
        """Answer the three paths."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self.answer(200, generate_latest(), CONTENT_TYPE_LATEST)
        elif path == "/healthz":
            self.answer(200 if self.health.alive else 503, self.health.describe())
        elif path == "/readyz":
            self.answer(200 if self.health.ready else 503, self.health.describe())
        else:
            self.answer(404, b'{"error":"try /healthz, /readyz or /metrics"}')
