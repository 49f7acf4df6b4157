"""A proxy in front of ClickHouse that disturbs inserts: cut, lost, late, unanswered."""

import asyncio
from enum import StrEnum
from typing import Final

from tests.faults.tcp_proxy import CHUNK_BYTES, End, TcpProxy

# The sink's inserts have their statement in the request line and a chunked body; its queries and
# the migrations have neither.
INSERT: Final = b"INSERT+INTO"
END_OF_BODY: Final = b"0\r\n\r\n"
BUSY_ANSWER: Final = b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Spoil(StrEnum):
    """The disturbance of an insert."""

    CUT_BEFORE = "cut_before"  # reset; nothing of it arrives
    CUT_WITHIN = "cut_within"  # reset when half of it has arrived
    CUT_AFTER = "cut_after"  # reset once the server has answered; the answer does not arrive
    LOSE = "lose"  # taken; it never arrives
    LOSE_ANSWER = "lose_answer"  # arrives; the answer never does
    HOLD = "hold"  # arrives when the fault is lifted, even if the client has gone
    REFUSE_503 = "503"  # as by a load balancer with no server behind it
    REFUSE_429 = "429"
    REFUSE_404 = "404"


class RequestProxy(TcpProxy):
    """A proxy that disturbs inserts within a `with` block; `hits` counts those of an order."""

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
        self.hits = 0
        self._ordered: Spoil | None = None
        self._table = b""
        self._remaining = 0
        self._lifted = asyncio.Event()

    @property
    def url(self) -> str:
        """The address of the server through this proxy."""
        return f"http://127.0.0.1:{self.port}"

    def order(self, spoil: Spoil, times: int = 1_000_000, table: str = "") -> None:
        """Disturb the next inserts, into one table or any."""
        self._do(self._order(spoil, times, table))

    def lift(self) -> None:
        """Disturb no further insert; let held inserts pass."""
        self._do(self._lift())

    async def _order(self, spoil: Spoil, times: int, table: str) -> None:
        self._lifted.clear()
        self.hits, self._ordered, self._remaining, self._table = 0, spoil, times, table.encode()

    async def _lift(self) -> None:
        self._ordered = None
        self._lifted.set()

    async def _carry(self, near: End, far: End) -> None:
        answering = asyncio.create_task(self._forward(far[0], near[1]))
        try:
            while data := await near[0].read(CHUNK_BYTES):
                spoil = self._spoil_of(data)
                if spoil is not None:
                    answering.cancel()
                    # It may still be the one that waits for bytes.
                    await asyncio.gather(answering, return_exceptions=True)
                    await self._spoil_request(spoil, data, near, far)
                    break
                far[1].write(data)
                await far[1].drain()
        except OSError:
            pass
        finally:
            answering.cancel()
            near[1].transport.abort()
            far[1].transport.abort()

    def _spoil_of(self, data: bytes) -> Spoil | None:
        if self._ordered is None or not self._remaining or INSERT + b"+" + self._table not in data:
            return None
        self._remaining -= 1
        return self._ordered

    async def _spoil_request(self, spoil: Spoil, data: bytes, near: End, far: End) -> None:
        lifted = self._lifted
        if spoil is not Spoil.CUT_BEFORE:
            while not data.endswith(END_OF_BODY):
                piece = await near[0].read(CHUNK_BYTES)
                if not piece:
                    raise ConnectionResetError
                data += piece
        match spoil:
            case Spoil.CUT_WITHIN:
                data = data[: len(data) // 2]
            case Spoil.HOLD:
                self.hits += 1
                await lifted.wait()
        if spoil in {Spoil.CUT_WITHIN, Spoil.CUT_AFTER, Spoil.LOSE_ANSWER, Spoil.HOLD}:
            far[1].write(data)
            await far[1].drain()
        if spoil in {Spoil.CUT_AFTER, Spoil.LOSE_ANSWER, Spoil.HOLD}:
            await far[0].read(1)
        self.hits += spoil is not Spoil.HOLD
        if spoil.isdecimal():
            near[1].write(BUSY_ANSWER % int(spoil))
            near[1].close()
            await near[1].wait_closed()
        if spoil in {Spoil.LOSE, Spoil.LOSE_ANSWER}:
            await lifted.wait()
