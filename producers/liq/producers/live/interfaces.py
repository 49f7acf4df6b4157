"""The interfaces through which connections hand on what they receive.

`Publisher` is the publisher of production; `liq doctor` passes one that counts frames in memory,
and an observer that also sees what a connection keeps to itself: control frames.
"""

import asyncio
from typing import TYPE_CHECKING, Protocol

from liq.producers.feeds import Received
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import FeedStatus

if TYPE_CHECKING:
    from liq.producers.live.session import Session


class FramePublisher(Protocol):
    """Where connections send frames, feed records and heartbeats.

    `failed` gets the error that ends the run.
    """

    failed: "asyncio.Future[BaseException]"

    async def frame(self, key: bytes, value: bytes, headers: FrameHeaders) -> None:
        """Send a data frame; may wait, and the connection then stops reading."""

    async def heartbeat(self, exchange: str) -> None:
        """Send the producer's clock; called every second."""

    async def status(self, record: FeedStatus) -> None:
        """Send a feed record."""

    async def drain(self) -> None:
        """Wait until everything that was sent is acknowledged or has failed."""


class SessionObserver(Protocol):
    """Sees every connection from its opening on. Its methods must not wait."""

    def opened(self, session: "Session") -> None:
        """Note that the handshake of a connection succeeded."""

    def received(
        self, session: "Session", frame: bytes, received_at_ns: int, received: Received
    ) -> None:
        """Note a frame, control frames included; `frame` is unpacked."""
