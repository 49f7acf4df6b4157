"""The client of webhooks against receivers that misbehave: bounded, named, discreet."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from liq.sinks.notify.http_client import MAX_ANSWER_BYTES, HttpClient, Verdict
from liq.sinks.notify.rules import Receiver
from tests.support.notify_rules import one_rule

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TOKEN = "s3cr3t-t0ken"
HEADERS = {"webhook-id": "a"}


def receiver(url: str, **changes: Any) -> Receiver:
    [made] = one_rule("{alerts: [detected]}", receiver="allow_internal: true").receivers.values()
    return replace(made, url=SecretStr(url), timeout_seconds=5.0, **changes)


@asynccontextmanager
async def client(url: str, **changes: Any) -> AsyncIterator[HttpClient]:
    made = HttpClient(receiver(url, **changes))
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    servers = []

    async def start(handler: Handler) -> str:
        application = web.Application()
        application.router.add_post("/{path:.*}", handler)
        server = TestServer(application)
        servers.append(server)
        await server.start_server()
        return str(server.make_url(f"/hook/{TOKEN}"))

    yield start
    for server in servers:
        await server.close()


def answering(status: int, **options: Any) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, **options)

    return answer


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (301, Verdict.LATER),
        (400, Verdict.REFUSED),
        (401, Verdict.LATER),
        (404, Verdict.LATER),
        (410, Verdict.GONE),
        (413, Verdict.REFUSED),
        (429, Verdict.LATER),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
    ],
)
async def test_a_status_says_who_has_to_act(
    serve: Callable[[Handler], Awaitable[str]], status: int, verdict: Verdict
) -> None:
    async with client(await serve(answering(status))) as made:
        answer = await made.post(b"{}", HEADERS)
    assert (answer.verdict, TOKEN in repr(answer)) == (verdict, False)


async def test_a_receiver_may_ask_for_patience(
    serve: Callable[[Handler], Awaitable[str]],
) -> None:
    for written, seconds in (("7", 7.0), ("99999999999", 86_400), ("soon", 0.0), ("-1", 0.0)):
        url = await serve(answering(429, headers={"Retry-After": written}))
        async with client(url) as made:
            assert (await made.post(b"{}", HEADERS)).wait_seconds == seconds


async def test_a_redirect_is_followed_only_where_the_rules_say_so(
    serve: Callable[[Handler], Awaitable[str]],
) -> None:
    bodies: list[bytes] = []

    async def keep(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.Response(status=204)

    target = await serve(keep)
    url = await serve(answering(308, headers={"Location": target}))
    async with client(url) as made:
        answer = await made.post(b"{}", HEADERS)
    assert (answer.label, bodies, target in answer.sentence) == ("redirect", [], False)
    async with client(url, follow_redirects=True) as made:
        assert (await made.post(b"{}", HEADERS)).verdict is Verdict.DELIVERED
    assert bodies == [b"{}"]
    # A redirect that turns a POST into a GET loses the message.
    url = await serve(answering(302, headers={"Location": target}))
    async with client(url, follow_redirects=True) as made:
        assert (await made.post(b"{}", HEADERS)).label == "redirect"


async def test_redirects_end(serve: Callable[[Handler], Awaitable[str]]) -> None:
    count = 0

    async def again(request: web.Request) -> web.Response:
        nonlocal count
        count += 1
        return web.Response(status=307, headers={"Location": str(request.url)})

    async with client(await serve(again), follow_redirects=True) as made:
        assert (await made.post(b"{}", HEADERS)).label == "redirect"
    assert count == 4


async def test_megabytes_of_answer_are_not_read(
    serve: Callable[[Handler], Awaitable[str]],
) -> None:
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        try:
            while written < 512 * 1024 * 1024:
                await response.write(b"x" * 65_536)
                written += 65_536
        except ConnectionResetError:
            pass
        return response

    async with client(await serve(flood)) as made:
        assert (await made.post(b"{}", HEADERS)).verdict is Verdict.DELIVERED
    # What the sockets' buffers took, and no more.
    assert written < 64 * 1024 * 1024
    assert written >= MAX_ANSWER_BYTES


async def test_a_receiver_that_never_answers_costs_its_time_limit(
    serve: Callable[[Handler], Awaitable[str]],
) -> None:
    ended = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await ended.wait()
        return web.Response()

    async with client(await serve(hang)) as made:
        made._receiver = replace(made._receiver, timeout_seconds=0.2)
        answer = await made.post(b"{}", HEADERS)
    ended.set()
    assert (answer.verdict, answer.label) == (Verdict.LATER, "timeout")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "127.1"])
async def test_an_internal_address_gets_no_connection(host: str) -> None:
    connected = asyncio.Event()

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client(f"http://{host}:{port}/{TOKEN}", allow_internal=False) as made:
        answer = await made.post(b"{}", HEADERS)
    server.close()
    assert answer.label == "internal_address"
    assert TOKEN not in repr(answer)
    assert not connected.is_set()


async def test_a_redirect_to_an_internal_address_is_refused(
    serve: Callable[[Handler], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await serve(answering(204))
    url = await serve(answering(307, headers={"Location": target}))
    asked = []

    def only_the_first_is_public(address: str) -> bool:
        asked.append(address)
        return len(asked) > 1

    monkeypatch.setattr("liq.sinks.notify.http_client.is_internal", only_the_first_is_public)
    async with client(url, allow_internal=False, follow_redirects=True) as made:
        assert (await made.post(b"{}", HEADERS)).label == "internal_address"
    assert len(asked) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no http\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"\x16\x03\x01" * 100,
    ],
)
async def test_an_answer_that_is_no_http_is_a_failure_with_a_name(raw: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(raw)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client(f"http://127.0.0.1:{port}/{TOKEN}") as made:
        result = await made.post(b"{}", HEADERS)
    server.close()
    assert result.verdict is Verdict.LATER
    assert TOKEN not in repr(result)


async def test_nobody_there_is_a_failure_with_a_name() -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with client(f"http://127.0.0.1:{port}/{TOKEN}") as made:
        assert (await made.post(b"{}", HEADERS)).label == "connect"
    async with client(f"https://no-such-host.invalid/{TOKEN}") as made:
        answer = await made.post(b"{}", HEADERS)
    assert (answer.label, TOKEN in repr(answer)) == ("dns", False)
