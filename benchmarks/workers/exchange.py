"""A local exchange in its own process, which sends a load to one subscriber at a pace."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any, Final

import orjson
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.workers.loads import WARM, Order, Step, orders
from liq.devstack.ports import LOOPBACK
from liq.schemas.units import SECOND_MS

FIRST_NUMBER: Final = 1_000_000
WARM_MARK, MARK = "WARM", "LAST"
HEAD_START_MS: Final = 100
NAP_SECONDS: Final = 0.001


class Exchange:
    """The controller of an exchange process."""

    def __init__(self, address: str, pipe: Connection) -> None:
        self.address = address
        self._pipe = pipe

    async def warmed(self) -> int:
        """Wait until the frames before the load are sent; return their number."""
        return int(await asyncio.to_thread(self._pipe.recv))

    def begin(self) -> None:
        """Start the load."""
        self._pipe.send("begin")

    async def ended(self) -> tuple[int, float]:
        """Wait until the load is sent; return the number of orders and the greatest delay (ms)."""
        count, late_ms = await asyncio.to_thread(self._pipe.recv)
        return int(count), float(late_ms)


@asynccontextmanager
async def exchange(steps: Sequence[Step]) -> AsyncIterator[Exchange]:
    """Run an exchange with a load."""
    # A fork, because a new interpreter would import the whole benchmark again.
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=run_exchange, args=(steps, theirs), daemon=True)
    process.start()
    try:
        port = await asyncio.to_thread(ours.recv)
        yield Exchange(f"ws://{LOOPBACK}:{port}/", ours)
    finally:
        process.kill()
        process.join()


def run_exchange(steps: Sequence[Step], pipe: Any) -> None:
    """Run the exchange process: send the warm-up, wait for the start, and send the load."""
    warm = orders(WARM if steps else (), first_number=0, mark=WARM_MARK)
    loaded = orders(steps, first_number=FIRST_NUMBER, mark=MARK)

    async def play(connection: ServerConnection) -> None:
        request = orjson.loads(await connection.recv())
        await connection.send(orjson.dumps({"result": None, "id": request["id"]}).decode())
        await send_paced(connection, warm)
        pipe.send(len(warm))
        await asyncio.to_thread(pipe.recv)
        pipe.send((len(loaded), await send_paced(connection, loaded)))
        await connection.wait_closed()

    async def main() -> None:
        async with serve(play, LOOPBACK, 0, compression=None, ping_interval=None) as server:
            pipe.send(next(iter(server.sockets)).getsockname()[1])
            await asyncio.Event().wait()

    asyncio.run(main())


async def send_paced(connection: ServerConnection, loaded: Sequence[Order]) -> float:
    """Send orders when they are due; return the greatest delay (ms)."""
    # Seconds of the load are aligned with the clock's, so that a spike falls into one second.
    now_ms = time.time() * SECOND_MS
    begin_ms = (int(now_ms + HEAD_START_MS) // SECOND_MS + 1) * SECOND_MS
    late_ms, sent = 0.0, 0
    while sent < len(loaded):
        now_ms = time.time() * SECOND_MS
        while sent < len(loaded) and begin_ms + loaded[sent].at_ms <= now_ms:
            late_ms = max(late_ms, time.time() * SECOND_MS - begin_ms - loaded[sent].at_ms)
            await connection.send(loaded[sent].frame(begin_ms), text=True)
            sent += 1
        await asyncio.sleep(NAP_SECONDS)
    return late_ms
