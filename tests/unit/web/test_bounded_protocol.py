"""A connection ends when a request's head or body does not arrive, and a WebSocket stays."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import uvicorn

from liq.web.bounded_protocol import TOO_SLOW, BoundedProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Clock:
    """The timers and tasks of a connection; the test lets the timers expire."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.create_task = self.loop.create_task
        self.timers: list[tuple[asyncio.TimerHandle, Callable[[], Any]]] = []

    def call_later(self, delay: float, callback: Any, *args: Any) -> asyncio.TimerHandle:
        timer = self.loop.call_later(delay, callback, *args)
        self.timers.append((timer, lambda: callback(*args)))
        return timer

    def expire(self) -> int:
        """Call what waits; return the number of those timers."""
        waiting = [(timer, call) for timer, call in self.timers if not timer.cancelled()]
        self.timers = []
        for timer, call in waiting:
            timer.cancel()
            call()
        return len(waiting)


class Transport(asyncio.Transport):
    """The server's end of a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = False
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        """Do nothing: the test sends what it wants."""

    def resume_reading(self) -> None:
        """Do nothing, likewise."""


class Upgraded(asyncio.Protocol):
    """The protocol of a WebSocket."""

    def __init__(self, **_: Any) -> None:
        """Take what uvicorn gives."""


async def read_body(_scope: Any, receive: Any, send: Any) -> None:
    """Answer once the body is there, as the endpoint of agents does."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"whole"})


@pytest.fixture
def clock() -> Iterator[Clock]:
    made = Clock()
    yield made
    made.loop.close()


@pytest.fixture
def connected(clock: Clock) -> Iterator[tuple[BoundedProtocol, Transport]]:
    config = uvicorn.Config(read_body, ws=Upgraded, lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    protocol, transport = BoundedProtocol(config, state, {}, cast(Any, clock)), Transport()
    protocol.connection_made(transport)
    yield protocol, transport
    protocol.connection_lost(None)
    turn(clock)


def turn(clock: Clock) -> None:
    """Let the server's tasks go on until they wait for the client."""
    for _ in range(10):
        clock.loop.run_until_complete(asyncio.sleep(0))


def test_a_head_that_does_not_arrive_ends_the_connection(
    clock: Clock, connected: tuple[BoundedProtocol, Transport]
) -> None:
    protocol, transport = connected
    protocol.data_received(HEAD[:20])
    protocol.data_received(HEAD[20:30])
    assert clock.expire() == 1
    assert transport.is_closed
    assert transport.written == b""


def test_a_slow_body_is_refused_with_a_sentence_however_often_a_byte_comes(
    clock: Clock, connected: tuple[BoundedProtocol, Transport]
) -> None:
    protocol, transport = connected
    protocol.data_received(HEAD)
    turn(clock)
    for _ in range(50):
        protocol.data_received(b"a")
        turn(clock)
    # One deadline for the whole body: no byte has moved it.
    assert clock.expire() == 1
    assert transport.is_closed
    assert transport.written.startswith(b"HTTP/1.1 408 ")
    assert transport.written.endswith(TOO_SLOW)


def test_a_whole_request_has_no_deadline_while_it_is_answered(
    clock: Clock, connected: tuple[BoundedProtocol, Transport]
) -> None:
    protocol, transport = connected
    protocol.data_received(HEAD.replace(b"1000000", b"4"))
    protocol.data_received(b"body")
    assert clock.expire() == 0
    turn(clock)
    assert transport.written.endswith(b"whole\r\n0\r\n\r\n")
    # Only uvicorn's limit between two requests.
    assert clock.expire() == 1


def test_the_body_of_a_second_request_in_the_same_packet_has_its_deadline(
    clock: Clock, connected: tuple[BoundedProtocol, Transport]
) -> None:
    protocol, transport = connected
    protocol.data_received(HEAD.replace(b"1000000", b"4") + b"body" + HEAD + b"half")
    turn(clock)
    assert clock.expire() == 1
    assert transport.is_closed
    assert transport.written.endswith(TOO_SLOW)


def test_a_websocket_has_no_deadline_of_a_request(
    clock: Clock, connected: tuple[BoundedProtocol, Transport]
) -> None:
    protocol, transport = connected
    protocol.data_received(UPGRADE)
    assert isinstance(transport.protocol, Upgraded)
    assert clock.expire() == 0
    assert not transport.is_closed
