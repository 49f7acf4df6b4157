"""Frames a second from one connection of a local exchange into the embedded broker, and memory.

    python benchmarks/producer.py [--frames 400000] [--rate 0]

A server process sends frames as fast as they are taken, or at the given pace; `liq produce` runs as
a process of its own. Prints the rate until the last frame was acknowledged, what is missing, and
the producer's memory while it ran.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.request import urlopen

import orjson
from websockets.asyncio.server import ServerConnection, serve

from liq.devstack.broker import choose_broker
from liq.devstack.options import load_stack_options
from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.stack import liq_command
from liq.devstack.supervisor import Child, Supervisor

SYMBOLS = 200
BURST_SECONDS = 0.01
POLL_SECONDS = 0.5
IN_FLIGHT = "liq_producer_in_flight_records"
CPU = "process_cpu_seconds_total"


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
    """The server process: one subscriber gets `count` frames."""

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


def metric(url: str, name: str) -> float:
    with urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310 - our own process
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=400_000)
    parser.add_argument("--rate", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = load_stack_options(embedded_data_dir=Path(folder), embedded_kafka_port=0)
        with Supervisor(Path(folder) / "logs") as supervisor:
            broker = choose_broker(options, supervisor)
            environment = dict(broker.start().environment)
            ours, theirs = multiprocessing.Pipe()
            exchange = multiprocessing.Process(
                target=run_exchange,
                args=(arguments.frames, arguments.rate, theirs),
                daemon=True,
            )
            exchange.start()
            port = free_port()
            url = f"http://{LOOPBACK}:{port}"
            address = f"ws://{LOOPBACK}:{ours.recv()}/"
            supervisor.start(
                Child(
                    name="produce",
                    command=liq_command("produce", "aster"),
                    environment={**environment, "ASTER_WS_URL": address, "HTTP_PORT": str(port)},
                    is_ready=lambda: answers_http(f"{url}/readyz"),
                )
            )
            measure(url, ours, arguments.frames)
            supervisor.stop("produce")
            exchange.kill()
            broker.stop()


def measure(url: str, pipe: Connection, count: int) -> None:
    """Wait for the last acknowledgement, and print the figures."""
    started = pipe.recv()
    busy = -metric(url, CPU)
    memory = []
    acknowledged = -1.0
    ended = started
    quiet = 0
    while quiet < 10 / POLL_SECONDS:
        time.sleep(POLL_SECONDS)
        memory.append(metric(url, "process_resident_memory_bytes") / 1e6)
        now = metric(url, 'liq_frames_total{exchange="aster"') - metric(url, IN_FLIGHT)
        if now > acknowledged:
            acknowledged, ended, quiet = now, time.monotonic(), 0
        else:
            quiet += 1
        if acknowledged >= count:
            break
    seconds = ended - started
    busy += metric(url, CPU)
    print(f"{acknowledged:,.0f} of {count:,} frames acknowledged in {seconds:.1f} s")
    print(f"{acknowledged / seconds:,.0f} frames/s on one connection")
    print(f"the producer was busy for {busy:.1f} s: {1e6 * busy / count:.1f} microseconds a frame")
    half = memory[len(memory) // 2 :]
    print(f"memory: {memory[0]:.0f} MB at first, {max(memory):.0f} MB at most, ", end="")
    print(f"{min(half):.0f} to {max(half):.0f} MB in the second half")
    if acknowledged < count:
        sys.exit("frames are missing")


if __name__ == "__main__":
    main()
