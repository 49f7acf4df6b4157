"""The connections of a local exchange, and what is done to all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed


@dataclass
class Client:
    """A connection and its subscriptions."""

    connection: ServerConnection
    names: set[str] = field(default_factory=set)


class Clients:
    """The open connections. Iteration is over a copy, because connections come and go meanwhile."""

    def __init__(self) -> None:
        self._open: list[Client] = []

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    def __iter__(self) -> Iterator[Client]:
        """Iterate over the connections that are open now."""
        return iter(list(self._open))

    def add(self, client: Client) -> None:
        """Add a connection that has just been opened."""
        self._open.append(client)

    def remove(self, client: Client) -> None:
        """Remove a connection that has ended."""
        self._open.remove(client)

    async def broadcast(
        self, frame: bytes | str, *, subscribed_only: bool = False, only: str | None = None
    ) -> None:
        """Send a message to all; or only to subscribers, of the name `only` if it is set."""
        for client in self:
            wants = only in client.names if only is not None else bool(client.names)
            if wants or not subscribed_only:
                try:
                    await client.connection.send(frame)
                except ConnectionClosed:
                    continue

    async def write(self, data: bytes) -> None:
        """Write bytes under the websocket layer."""
        for client in self:
            client.connection.transport.write(data)

    async def close(self, code: int) -> None:
        """Close all with a close frame."""
        for client in self:
            await client.connection.close(code)

    async def cut(self) -> None:
        """Reset all without a close frame."""
        for client in self:
            client.connection.transport.abort()

    async def blackhole(self) -> None:
        """Stop reading all of them, and end their subscriptions."""
        for client in self:
            client.connection.transport.pause_reading()
            client.names.clear()
