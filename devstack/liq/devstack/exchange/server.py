"""A local exchange: a websocket server in a thread, with a ledger, that misbehaves on request.

It is for tests and demonstrations.
"""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from liq.devstack.exchange.dialect import START_MS, Answer, Dialect
from liq.devstack.exchange.limits import LimitKeeper

LOOPBACK = "127.0.0.1"
REPEATED = 100
#: The key of streams that require one.
KEY = "key-of-the-local-exchange"
Result = TypeVar("Result")


@dataclass
class Client:
    """A connection and its subscriptions."""

    connection: ServerConnection
    names: set[str] = field(default_factory=set)


class LocalExchange:
    """A server of one feed's dialect; use it in a `with` statement.

    `ledger` has every distinct data message in the order of sending, as the bytes that must arrive
    in Kafka; `received` has all messages of clients. Faults can be set at any time:

    - `refused`: names whose subscription is refused
    - `is_mute`: requests get no answer
    - `status`: handshakes get this HTTP status, and `retry_after_seconds` if set
    - `listing_status`: the HTTP status of the listing of markets; `listing` is its content
    - `repeats`: new subscribers get the last hundred frames again
    - `cuts_subscribers`: connections are reset as soon as they are subscribed
    - `is_selective`: a data frame goes only to connections that subscribed to its symbol
    - `limits`: the connection of a client that violates a limit is closed (1008)
    - `answer_seconds`: the delay of answers
    - `ignored`: names whose subscription is not answered
    - `greeting`: a message to every connection once it is subscribed
    - `close_reason`: connections are closed with it (1008) as soon as they are subscribed
    - `freezes_subscribers`: connections are no longer read once they are subscribed
    - `is_silent`: data frames are neither sent nor added to the ledger
    - `clock_offset_ms`: the offset of data frames' times from this machine's clock; without it,
      times start at `START_MS`
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.ledger: list[bytes] = []
        self.received: list[Any] = []
        self.opened = 0
        self.refused: frozenset[str] = frozenset()
        self.is_mute = False
        self.repeats = False
        self.cuts_subscribers = False
        self.is_selective = False
        self.limits: LimitKeeper | None = None
        self.answer_seconds = 0.0
        self.ignored: frozenset[str] = frozenset()
        self.greeting: bytes | str = ""
        self.closed_after_notice = 0
        self.close_reason = ""
        self.freezes_subscribers = False
        self.is_silent = False
        self.clock_offset_ms: int | None = None
        self.is_enough = False
        self.status: int | None = None
        self.retry_after_seconds: int | None = None
        self.markets: tuple[str, ...] = ()
        self.listing: Any = None
        self.list_markets(dialect.symbol)
        self.listing_status = HTTPStatus.OK
        self.port = 0
        self._count = 0
        self._later: set[asyncio.Task[None]] = set()
        self._clients: list[Client] = []
        self._server: Server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        """Serve on a free port."""
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *_exc: object) -> None:
        """Reset every connection and stop serving."""
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that connect a producer to this exchange."""
        found = {
            self.dialect.setting: f"ws://{LOOPBACK}:{self.port}/ws",
            **self.dialect.environment,
        }
        if self.dialect.listing_setting:
            found[self.dialect.listing_setting] = f"http://{LOOPBACK}:{self.port}/symbols?x=1"
        if self.dialect.key_setting:
            found[self.dialect.key_setting] = KEY
        return found

    @property
    def subscribers(self) -> int:
        """The number of connections that are subscribed to the data frames."""
        return sum(self.dialect.subscribes in client.names for client in list(self._clients))

    def list_markets(self, *symbols: str) -> None:
        """Set the symbols in the listing of markets."""
        self.markets = symbols
        if self.dialect.list_markets is not None:
            self.listing = self.dialect.list_markets(symbols)

    def publish(self, frame: str) -> "Future[None]":
        """Send an external data frame to every subscriber, and add it to the ledger."""
        return asyncio.run_coroutine_threadsafe(self._publish(frame), self._loop)

    def send(self, count: int = 1, symbol: str | None = None) -> None:
        """Send new data frames to every subscriber, and add them to the ledger."""
        self._do(self._send(count, symbol))

    def send_raw(self, frame: bytes | str) -> None:
        """Send a message to every connection, without adding it to the ledger."""
        self._do(self._broadcast(frame))

    def send_wire(self, data: bytes) -> None:
        """Write bytes under every connection's websocket layer."""
        self._do(self._write(data))

    def close(self, code: int) -> None:
        """Close every connection."""
        self._do(self._close(code))

    def announce_end(self, notice: str, close_seconds: float) -> None:
        """Send a notice to the present connections, and close them after `close_seconds`."""
        self._do(self._announce_end(notice, close_seconds))

    def cut(self) -> None:
        """Reset every connection without a close frame."""
        self._do(self._cut())

    def blackhole(self) -> None:
        """Stop reading the present connections, which become half-open and get no answers."""
        self._do(self._blackhole())

    def start_sending(self, count: int, pause_seconds: float) -> "Future[None]":
        """Send frames one by one in the background; return a future that completes at the end.

        The end is after `count` frames, or after the next frame once `is_enough` is set.
        """
        return asyncio.run_coroutine_threadsafe(self._trickle(count, pause_seconds), self._loop)

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _start(self) -> None:
        self._server = await serve(
            self._serve, LOOPBACK, 0, process_request=self._answer_http, ping_interval=None
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def _stop(self) -> None:
        await self._cut()
        self._server.close()
        await self._server.wait_closed()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answer_http(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/symbols"):
            return connection.respond(self.listing_status, json.dumps(self.listing))
        parameter = self.dialect.key_parameter
        if parameter and f"{parameter}={KEY}" not in request.path.partition("?")[2].split("&"):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no key")
        if self.status is None:
            return None
        response = connection.respond(HTTPStatus(self.status), "no")
        if self.retry_after_seconds is not None:
            response.headers["Retry-After"] = str(self.retry_after_seconds)
        return response

    async def _serve(self, connection: ServerConnection) -> None:
        client = Client(connection)
        self._clients.append(client)
        self.opened += 1
        try:
            for message in self.dialect.hello:
                await connection.send(self.dialect.encode(message))
            if self.dialect.opens_with:
                await self._answer(client, Answer(subscribed=list(self.dialect.opens_with)))
            async for text in connection:
                await self._respond(client, text)
        except ConnectionClosed:
            pass
        finally:
            self._clients.remove(client)

    async def _respond(self, client: Client, text: str | bytes) -> None:
        try:
            message = json.loads(text)
        except json.JSONDecodeError:
            message = text
        self.received.append(message)
        if self.is_mute:
            return
        answer = self.dialect.respond(message, self.refused)
        if self.ignored & set(answer.subscribed):
            return
        if self.limits is not None and not await self._is_within_limits(client, answer):
            return
        if self.answer_seconds:
            later = asyncio.create_task(self._answer_later(client, answer))
            self._later.add(later)
            later.add_done_callback(self._later.discard)
        else:
            await self._answer(client, answer)

    async def _is_within_limits(self, client: Client, answer: Answer) -> bool:
        assert self.limits is not None  # noqa: S101 - the caller looked
        before = len(self.limits.violations)
        self.limits.take_message(client.connection, is_request=bool(answer.subscribed))
        self.limits.judge_subscriptions(len(client.names.union(answer.subscribed)))
        self.limits.judge_connections(len(self._clients))
        if len(self.limits.violations) == before:
            return True
        await client.connection.close(1008, "limit")
        return False

    async def _answer_later(self, client: Client, answer: Answer) -> None:
        await asyncio.sleep(self.answer_seconds)
        with suppress(ConnectionClosed):
            await self._answer(client, answer)

    async def _answer(self, client: Client, answer: Answer) -> None:
        if self.limits is not None and answer.subscribed:
            self.limits.note_answer(client.connection)
        for reply in answer.replies:
            await client.connection.send(self.dialect.encode(reply))
        for reply in answer.data:
            self._note(json.dumps(reply))
            await client.connection.send(self.dialect.encode(reply))
        client.names.update(answer.subscribed)
        client.names.difference_update(answer.ended)
        if self.greeting and answer.subscribed:
            await client.connection.send(self.greeting)
        if self.repeats and answer.subscribed:
            for payload in self.ledger[-REPEATED:]:
                await client.connection.send(self.dialect.encode(payload.decode()))
        if self.dialect.subscribes in client.names:
            await self._misbehave_after_subscription(client)

    async def _misbehave_after_subscription(self, client: Client) -> None:
        if self.cuts_subscribers:
            client.connection.transport.abort()
        if self.close_reason:
            await client.connection.close(1008, self.close_reason)
        if self.freezes_subscribers:
            client.connection.transport.pause_reading()
            client.names.clear()

    def _note(self, frame: str) -> None:
        self.ledger.append(frame.encode())

    async def _send(self, count: int, symbol: str | None) -> None:
        for _ in range(count):
            self._count += 1
            if self.clock_offset_ms is not None:
                now_ms = time.time_ns() // 1_000_000 + self.clock_offset_ms
                self._count = max(self._count, now_ms - START_MS)
            frame = self.dialect.frame(symbol or self.dialect.symbol, self._count)
            await self._publish(json.dumps(frame), symbol or self.dialect.symbol)

    async def _publish(self, frame: str, symbol: str | None = None) -> None:
        if self.is_silent:
            return
        self._note(frame)
        only = symbol if self.is_selective else None
        await self._broadcast(self.dialect.encode(frame), subscribed_only=True, only=only)

    async def _broadcast(
        self, frame: bytes | str, *, subscribed_only: bool = False, only: str | None = None
    ) -> None:
        for client in list(self._clients):
            wants = only in client.names if only is not None else bool(client.names)
            if wants or not subscribed_only:
                try:
                    await client.connection.send(frame)
                except ConnectionClosed:
                    continue

    async def _write(self, data: bytes) -> None:
        for client in list(self._clients):
            client.connection.transport.write(data)

    async def _trickle(self, count: int, pause_seconds: float) -> None:
        for _ in range(count):
            await self._send(1, None)
            if self.is_enough:
                return
            await asyncio.sleep(pause_seconds)

    async def _close(self, code: int) -> None:
        for client in list(self._clients):
            await client.connection.close(code)

    async def _announce_end(self, notice: str, close_seconds: float) -> None:
        present = list(self._clients)
        await self._broadcast(notice)

        async def close_later() -> None:
            await asyncio.sleep(close_seconds)
            for client in present:
                await client.connection.close(1012)
                self.closed_after_notice += 1

        closing = asyncio.create_task(close_later())
        self._later.add(closing)
        closing.add_done_callback(self._later.discard)

    async def _cut(self) -> None:
        for client in list(self._clients):
            client.connection.transport.abort()

    async def _blackhole(self) -> None:
        for client in list(self._clients):
            client.connection.transport.pause_reading()
            client.names.clear()
