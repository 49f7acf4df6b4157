"""A real Redis server of one test, which can be killed and restarted, with or without a log."""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.supervisor import Child, Supervisor

REDIS_SERVER: Final = shutil.which("redis-server")
needs_redis: Final = pytest.mark.skipif(
    REDIS_SERVER is None, reason="there is no redis-server (Debian: redis-server)"
)
NAME: Final = "redis"
READY_SECONDS: Final = 30.0


class RedisServer:
    """A Redis server that keeps its port and its folder over restarts."""

    def __init__(
        self, supervisor: Supervisor, folder: Path, *, options: Sequence[str] = ()
    ) -> None:
        """Create a server; without `options` of its command line, it stores nothing on disk."""
        self._supervisor = supervisor
        self._folder = folder
        self._options = options
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        assert REDIS_SERVER is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        self._supervisor.start(
            Child(
                name=NAME,
                command=(
                    REDIS_SERVER,
                    *("--port", str(self.port), "--bind", LOOPBACK, "--dir", str(self._folder)),
                    *("--save", "", "--daemonize", "no"),
                    *self._options,
                ),
                is_ready=self._answers,
                ready_seconds=READY_SECONDS,
                ends_by_itself=True,
            )
        )

    def kill(self) -> None:
        """Send SIGKILL, then start the server again."""
        os.kill(self._supervisor.process_id(NAME), signal.SIGKILL)
        self._supervisor.stop(NAME)
        self.start()

    def client(self) -> "Redis":
        return Redis.from_url(self.url, decode_responses=True)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (AuthenticationError, ResponseError):  # it answers, and requires a login
            return True
        except RedisError:  # not started yet, or loading
            return False


@contextmanager
def running_redis(folder: Path, *options: str) -> Iterator[RedisServer]:
    """Yield a server that is ready."""
    with Supervisor(folder / "logs") as supervisor:
        server = RedisServer(supervisor, folder / "data", options=options)
        server.start()
        yield server
