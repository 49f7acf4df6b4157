"""Frames a second from one connection of a local exchange into the embedded broker, and memory.

    python -m benchmarks.producer [--frames 400000] [--rate 0]

A server process sends frames as fast as possible, or at the given pace; `liq produce` runs in its
own process. The output is the rate until the last frame was acknowledged, the number of missing
frames, and the producer's memory during the run.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import orjson
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.running_worker import RunningWorker
from liq.devstack.options import load_stack_options
from liq.devstack.ports import LOOPBACK
from liq.devstack.stack import Stack

SYMBOLS = 200
BURST_SECONDS = 0.01
POLL_SECONDS = 0.5


def frame(number: int) -> bytes:
    order = {
        "s": f"SYMBOL{number % SYMBOLS}USDT",
        "S": "SELL",
        "q": "0.014",
        "p": "60000",
        "ap": "60100",
        "z": "0.014",
        "T": 1_783_000_000_000 + number,
    }
    return orjson.dumps({"e": "forceOrder", "E": 1_783_000_000_005 + number, "o": order})


def run_exchange(count: int, rate: int, pipe: Connection) -> None:
    """Run the server process, which sends `count` frames to one subscriber."""

    async def play(connection: ServerConnection) -> None:
        request = orjson.loads(await connection.recv())
        await connection.send(orjson.dumps({"result": None, "id": request["id"]}).decode())
        frames = [frame(number) for number in range(count)]
        started = time.monotonic()
        pipe.send(started)
        sent = 0
        while sent < count:
            due = count if not rate else min(count, int((time.monotonic() - started) * rate))
            for payload in frames[sent:due]:
                await connection.send(payload, text=True)
            sent = max(sent, due)
            await asyncio.sleep(BURST_SECONDS)
        pipe.send(time.monotonic())
        await connection.wait_closed()

    async def main() -> None:
        async with serve(play, LOOPBACK, 0, compression=None, ping_interval=None) as server:
            pipe.send(next(iter(server.sockets)).getsockname()[1])
            await asyncio.Event().wait()

    asyncio.run(main())


@contextmanager
def play_once(count: int, rate: int = 0) -> Iterator[tuple[str, Callable[[], float]]]:
    """Run an exchange that sends `count` frames to the first subscriber.

    Yields its address, and a function that waits for the first frame and returns its time.
    """
    ours, theirs = multiprocessing.Pipe()
    exchange = multiprocessing.Process(target=run_exchange, args=(count, rate, theirs), daemon=True)
    exchange.start()
    try:
        yield f"ws://{LOOPBACK}:{ours.recv()}/", ours.recv
    finally:
        exchange.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=400_000)
    parser.add_argument("--rate", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = load_stack_options(embedded_data_dir=Path(folder))
        with (
            Stack(options, has_clickhouse=False) as stack,
            play_once(arguments.frames, arguments.rate) as (address, started),
        ):
            port = stack.start_worker(
                "produce", "produce", "aster", environment={"ASTER_WS_URL": address}
            )
            measure(RunningWorker(port), started(), arguments.frames)


def measure(worker: RunningWorker, started: float, count: int) -> None:
    """Wait for the last acknowledgement, and print the figures."""
    busy = -worker.cpu_seconds()
    memory: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(worker.wait_for_frames, count)
        while not ending.done():
            memory.append(worker.resident_mebibytes())
            time.sleep(POLL_SECONDS)
    seconds = ending.result() - started
    busy += worker.cpu_seconds()
    print(f"{count:,} frames acknowledged in {seconds:.1f} s")
    print(f"{count / seconds:,.0f} frames/s on one connection")
    print(f"the producer was busy for {busy:.1f} s: {1e6 * busy / count:.1f} microseconds a frame")
    half = memory[len(memory) // 2 :]
    print(f"memory: {memory[0]:.0f} MiB at first, {max(memory):.0f} MiB at most, ", end="")
    print(f"{min(half):.0f} to {max(half):.0f} MiB in the second half")


if __name__ == "__main__":
    main()
