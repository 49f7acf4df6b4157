"""A TCP proxy that spoils a link: cut, blackholed, slow, or in tiny segments."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, Self

LOOPBACK: Final = "127.0.0.1"
CHUNK_BYTES: Final = 65_536
BITS_PER_BYTE: Final = 8

End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Link:
    """What a link does to bytes, in either direction.

    `delay_seconds` for every chunk, at most `bits_per_second` (0: any), in pieces of at most
    `segment_bytes` (0: as they come), each its own packet. On a `black_hole`, bytes are taken and
    never arrive, and nothing is closed.
    """

    delay_seconds: float = 0.0
    bits_per_second: float = 0.0
    segment_bytes: int = 0
    black_hole: bool = False


class TcpProxy:
    """Stands before a port of this machine while it is used in a `with` statement.

    `link` may be changed at any time; it counts for connections that are there, too.
    """

    def __init__(self, target_port: int) -> None:
        self.link = Link()
        self.port = 0
        self.accepted = 0
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        """Reset every connection."""
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset the connections that are there."""
        self._do(self._cut())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        await self._cut()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            there, back = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        for each in (writer, back):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._carry((reader, writer), (there, back))
        finally:
            self._writers -= {writer, back}

    async def _carry(self, near: End, far: End) -> None:
        """Carry bytes between a client and its server until one of them ends."""
        await asyncio.gather(self._forward(near[0], far[1]), self._forward(far[0], near[1]))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                if not self.link.black_hole:
                    await self._spoil(data, writer)
        except OSError:
            pass
        if not self.link.black_hole:
            writer.transport.abort()

    async def _spoil(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        link = self.link
        await asyncio.sleep(link.delay_seconds)
        size = link.segment_bytes or len(data)
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            writer.write(piece)
            await writer.drain()
            if link.bits_per_second:
                await asyncio.sleep(len(piece) * BITS_PER_BYTE / link.bits_per_second)
            elif link.segment_bytes:
                await asyncio.sleep(0)
