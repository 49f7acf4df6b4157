"""Streams over server-sent events and WebSockets: the same records, positions and filters."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response, WebSocket
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from liq.web.access import Tokens, TooManyError
from liq.web.cursor import Cursor, CursorError, from_text
from liq.web.filters import FilterError, Filters, parse_filters
from liq.web.following import Message, follow
from liq.web.records import Stream
from liq.web.sources import Sources
from liq.web.summaries import Summaries
from liq.web.wanted import Wanted
from liq.web.window import TooOldError

PING_SECONDS: Final = 15
#: A stream ends if its reader does not accept a message within this time.
SEND_SECONDS: Final = 30
MAX_POSITION: Final = 8_192
DEFAULT_STREAMS: Final = "liquidations,cascades"
#: WebSocket closing codes: a refusal, and a reader that was too slow.
REFUSED, TRY_AGAIN = 1008, 1013


class RefusedError(Exception):
    """A stream is refused; the error has a status of HTTP and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Subscription:
    """The streams, filters and start of a reader."""

    streams: frozenset[Stream]
    filters: Filters
    cursor: Cursor


def subscribe(sources: Sources, query: Mapping[str, str], position: str) -> Subscription:
    """Return the checked subscription of a request; without a position, it starts now.

    Raises:
        RefusedError: the request is invalid, or its position is not in memory any more.
    """
    try:
        streams = _streams(query.get("streams") or DEFAULT_STREAMS)
        filters = parse_filters(query)
        cursor = from_text(position) if position else dict(sources.window.ends)
        sources.window.check(cursor, streams)
    except CursorError as error:
        raise RefusedError(400, f"Last-Event-ID: {error}") from error
    except FilterError as error:
        raise RefusedError(400, str(error)) from error
    except TooOldError as error:
        raise RefusedError(410, str(error)) from error
    return Subscription(streams, filters, cursor)


def streaming(sources: Sources, tokens: Tokens) -> APIRouter:
    """Return the routes of streams under `/api/v1`."""
    router = APIRouter(prefix="/api/v1")
    summaries = Summaries(sources.window, lambda: sources.horizon().document())

    @router.get("/stream", summary="Server-sent events: records as they come, batched")
    async def get_stream(
        request: Request,
        wanted: Annotated[Wanted, Depends()],
        streams: Annotated[str, Query(max_length=200)] = DEFAULT_STREAMS,
        last_event_id: Annotated[str, Query(max_length=MAX_POSITION)] = "",
    ) -> Response:
        position = request.headers.get("last-event-id", "") or last_event_id
        opened = ExitStack()
        try:
            query = {**wanted.model_dump(), "streams": streams}
            subscription = subscribe(sources, query, position)
            opened.enter_context(sources.places.taken(_client(request)))
        except RefusedError as error:
            raise HTTPException(error.status, str(error)) from error
        except TooManyError as error:
            raise HTTPException(429, str(error)) from error
        return _Stream(opened, server_sent_events(sources, subscription))

    @router.get("/live", summary="Server-sent events for a page: sums by second, largest records")
    async def get_live(request: Request, wanted: Annotated[Wanted, Depends()]) -> Response:
        filters = wanted.filters()
        opened = ExitStack()
        try:
            opened.enter_context(sources.places.taken(_client(request)))
        except TooManyError as error:
            raise HTTPException(429, str(error)) from error
        return _Stream(opened, summaries.follow(filters))

    @router.websocket("/ws")
    async def get_socket(socket: WebSocket) -> None:
        query = dict(socket.query_params)
        await socket.accept()
        try:
            _check_reader(socket, tokens)
            subscription = subscribe(sources, query, query.get("position", ""))
            with sources.places.taken(_client(socket)):
                await _send_all(socket, sources, subscription)
        except (RefusedError, TooManyError) as error:
            await _end(socket, REFUSED, str(error))
        except TooOldError as error:
            await _end(socket, TRY_AGAIN, str(error))
        except TimeoutError:
            await _end(socket, TRY_AGAIN, "the reader takes nothing")

    return router


async def server_sent_events(
    sources: Sources, subscription: Subscription
) -> AsyncGenerator[bytes, None]:
    """Yield the events of a subscription; if the reader is too slow, end with a `lost` event."""
    wanted = subscription
    try:
        async for message in follow(sources.window, wanted.streams, wanted.filters, wanted.cursor):
            yield server_sent(message)
    except TooOldError as error:
        yield b"event: lost\ndata: " + bytes(JSONResponse({"detail": str(error)}).body) + b"\n\n"


def server_sent(message: Message) -> bytes:
    """Return a message as a server-sent event; its JSON has one line, which needs no escapes."""
    return b"".join((
        b"event: ", message.stream.encode(),
        b"\nid: ", message.position.encode(),
        b"\ndata: ", message.data, b"\n\n",
    ))  # fmt: skip


class _Stream(EventSourceResponse):
    """A stream that releases its place at its end, also if it fails before its first event."""

    def __init__(self, opened: ExitStack, events: AsyncGenerator[bytes, None]) -> None:
        super().__init__(events, ping=PING_SECONDS, send_timeout=SEND_SECONDS)
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._opened:
            await super().__call__(scope, receive, send)


def _check_reader(socket: WebSocket, tokens: Tokens) -> None:
    """Refuse readers without a token, and pages of other sites, which browsers do not block.

    Raises:
        RefusedError: the reader may not use the socket.
    """
    if not tokens.accept(socket.headers.get("authorization", "")):
        raise RefusedError(401, "This server wants a bearer token.")
    origin = socket.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != socket.headers.get("host"):
        raise RefusedError(403, "Pages of other sites get no stream.")


async def _send_all(socket: WebSocket, sources: Sources, wanted: Subscription) -> None:
    """Send messages until the reader leaves.

    Raises:
        TooOldError: the reader is too slow.
        TimeoutError: the reader accepts no message within `SEND_SECONDS`.
    """
    leaving = asyncio.create_task(_left(socket))
    sending = asyncio.create_task(_send(socket, sources, wanted))
    try:
        await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        for task in (leaving, sending):
            task.cancel()
        await asyncio.gather(leaving, sending, return_exceptions=True)


async def _send(socket: WebSocket, sources: Sources, wanted: Subscription) -> None:
    messages = follow(sources.window, wanted.streams, wanted.filters, wanted.cursor)
    async with aclosing(messages):
        async for message in messages:
            text = (
                f'{{"stream":"{message.stream}","position":"{message.position}","records":'
                f"{message.data.decode()}}}"
            )
            async with asyncio.timeout(SEND_SECONDS):
                await socket.send_text(text)


async def _left(socket: WebSocket) -> None:
    """Return when the reader closes the socket; ignore its messages."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


async def _end(socket: WebSocket, code: int, sentence: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_json({"error": sentence})
        await socket.close(code)


def _client(connection: Any) -> str:
    return str(connection.client.host) if connection.client else ""


def _streams(text: str) -> frozenset[Stream]:
    known = ", ".join(Stream)
    try:
        found = frozenset(Stream(name.strip()) for name in text.split(",") if name.strip())
    except ValueError as error:
        raise RefusedError(400, f"streams are some of {known}") from error
    if not found:
        raise RefusedError(400, f"streams are some of {known}")
    return found
