"""Interfaces through which connections pass on frames, feed records and events.

Production uses `Publisher`. `liq doctor` passes a publisher that counts frames in memory, and an
observer that also receives control frames, which are not published.
"""

import asyncio
from typing import TYPE_CHECKING, Protocol

from liq.producers.feeds import Received
from liq.producers.live.liveness import ConnectionActivity
from liq.producers.live.status import NamedFeed
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import FeedStatus

if TYPE_CHECKING:
    from liq.producers.live.session import Session


class FramePublisher(Protocol):
    """Destination of a connection's frames, feed records and heartbeats.

    `failed` is set to the error that ends the run.
    """

    failed: "asyncio.Future[BaseException]"

    async def frame(self, key: bytes, value: bytes, headers: FrameHeaders) -> None:
        """Send a data frame; while this waits, the connection does not read."""

    async def heartbeat(self, exchange: str, blind: tuple[str, ...] = (), cursor: str = "") -> None:
        """Send the producer's clock and the feeds that receive nothing; called every second."""

    async def status(self, record: FeedStatus) -> None:
        """Send a feed record."""

    async def drain(self) -> None:
        """Wait until every sent record is acknowledged or has failed."""


class Runner(Protocol):
    """Task that receives one feed."""

    @property
    def feed(self) -> NamedFeed:
        """The feed."""

    async def run(self) -> None:
        """Receive until cancelled."""

    def renew(self, part: ConnectionActivity | None = None) -> None:
        """Replace the connection of `part`, or every connection, by a new one."""


class SessionObserver(Protocol):
    """Observer of every connection from its opening on. Its methods must not block."""

    def opened(self, session: "Session") -> None:
        """Record that the handshake of a connection succeeded."""

    def received(
        self, session: "Session", frame: bytes, received_at_ns: int, received: Received
    ) -> None:
        """Record a data or control frame; `frame` is unpacked."""
