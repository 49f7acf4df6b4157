"""Liveness, readiness and metrics of a worker, on one HTTP port.

/healthz  200 while the worker's event loop runs (it must call `beat` at least every 30 s), else 503
/readyz   200 while every declared condition holds, else 503; the body has the reasons
/metrics  Prometheus text
"""

import threading
import time
from dataclasses import dataclass, field

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from liq.runtime.bounded_http import BoundedHandler, BoundedHTTPServer
from liq.runtime.errors import ConfigurationError
from liq.runtime.metrics import READY
from liq.runtime.redaction import without_logins

STALLED_AFTER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of readiness: whether it holds, and the reason."""

    holds: bool
    reason: str


@dataclass(slots=True)
class Health:
    """The state behind /healthz and /readyz; safe to use from several threads."""

    conditions: dict[str, Condition] = field(default_factory=dict)
    last_beat: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """Record that the worker's event loop is running."""
        self.last_beat = time.monotonic()

    def require(self, name: str, reason: str = "starting") -> None:
        """Declare a condition of readiness, which does not hold yet."""
        self.set(name, holds=False, reason=reason)

    def set(self, name: str, *, holds: bool, reason: str) -> None:
        """Set a condition and its metric; the reason is stored without logins."""
        self.conditions[name] = Condition(holds, without_logins(reason))
        READY.labels(name).set(1 if holds else 0)

    @property
    def alive(self) -> bool:
        """Whether the last beat is less than `STALLED_AFTER_SECONDS` old."""
        return time.monotonic() - self.last_beat < STALLED_AFTER_SECONDS

    @property
    def ready(self) -> bool:
        """Whether the worker is alive and all conditions hold; False before the first condition."""
        conditions = list(self.conditions.values())
        return self.alive and bool(conditions) and all(each.holds for each in conditions)

    def describe(self) -> bytes:
        """Return the state as JSON."""
        return orjson.dumps(
            {"alive": self.alive, "ready": self.ready, "conditions": dict(self.conditions)}
        )


class HealthServer:
    """A server of health and metrics in threads, which answers also while the loop is blocked."""

    def __init__(
        self, health: Health, host: str, port: int, registry: CollectorRegistry = REGISTRY
    ) -> None:
        """Bind the port; 0 picks a free port. `/metrics` exports what the registry collects.

        Raises:
            ConfigurationError: the port is taken, or the address is not one of this host.
        """
        handler = type("Handler", (_Handler,), {"health": health, "registry": registry})
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
        """Start to answer requests."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the server and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BoundedHandler):
    health: Health
    registry: CollectorRegistry

    def respond(self) -> None:
        """Answer the three paths."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self.answer(200, generate_latest(self.registry), CONTENT_TYPE_LATEST)
        elif path == "/healthz":
            self.answer(200 if self.health.alive else 503, self.health.describe())
        elif path == "/readyz":
            self.answer(200 if self.health.ready else 503, self.health.describe())
        else:
            self.answer(404, b'{"error":"try /healthz, /readyz or /metrics"}')
