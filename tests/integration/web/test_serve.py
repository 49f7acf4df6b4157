"""`liq serve` as a process: answers, streams over restarts, and what it refuses."""

import asyncio
import resource
import socket
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import orjson
import pytest

from liq.devstack.ports import LOOPBACK, free_port
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.web.bounded_protocol import MAX_CONNECTIONS, TOO_MANY
from liq.web.server import MAX_HEAD_BYTES
from tests.support import sample_records
from tests.support.web_server import (
    DEADLINE_SECONDS,
    asking,
    publish_liquidations,
    wait_for_liquidations,
)

if TYPE_CHECKING:
    from tests.conftest import RunWorker

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


async def publish_alerts(settings: Settings) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        await producer.send(settings.topics.cascades, encode(sample_records.alert(1)), key=b"c")
        await producer.send(settings.topics.feeds, encode(sample_records.feed_status(1)), key=b"f")
    finally:
        await producer.stop()


async def stream(port: int, count: int, position: str = "") -> tuple[list[str], str]:
    """Read so many liquidations; return their ids and the position after them."""
    ids: list[str] = []
    headers = {"Last-Event-ID": position} if position else {}
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        asking(port, **headers) as session,
        session.get("/api/v1/stream?streams=liquidations", read_bufsize=2**22) as answer,
    ):
        assert answer.status == 200, await answer.text()
        async for line in answer.content:
            name, _, value = line.decode().rstrip("\r\n").partition(": ")
            if name == "id":
                position = value
            elif name == "data":
                ids += [each["event_id"] for each in orjson.loads(value)]
                if len(ids) >= count:
                    return ids, position
    raise AssertionError("the stream has ended")


def test_answers_streams_and_restarts(settings: Settings, run_worker: "RunWorker") -> None:
    port = free_port()
    environment = {"WEB_PORT": str(port)}
    asyncio.run(ensure_topics(settings, ()))
    asyncio.run(publish_liquidations(settings, 0, 40))
    asyncio.run(publish_alerts(settings))
    server = run_worker("serve", settings=settings, environment=environment)

    async def look() -> None:
        await wait_for_liquidations(port, 40)
        async with asking(port) as session:
            async with session.get("/api/v1/cascades") as answer:
                cascades = await answer.json()
            async with session.get("/api/v1/venues") as answer:
                venues = await answer.json()
            async with session.get("/api/v1/liquidations?side=SHORT&limit=3") as answer:
                shorts = await answer.json()
            async with session.get("/") as answer:
                page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert [each["alert_id"] for each in cascades["open"]] == [sample_records.alert(1).alert_id]
        assert venues["venues"][0]["exchange"] == sample_records.feed_status(1).exchange
        assert [each["side"] for each in shorts["liquidations"]] == ["SHORT"] * 3
        assert "horizon" in cascades
        assert "/page/page.js" in page
        assert "script-src 'self'" in policy

    asyncio.run(look())

    async def follow() -> tuple[list[str], str]:
        reading = asyncio.create_task(stream(port, 20))
        await asyncio.sleep(0)
        while not reading.done():
            await publish_liquidations(settings, 100, 20)
            await asyncio.wait({reading}, timeout=1)
        return await reading

    seen, position = asyncio.run(follow())
    assert server.stop() == 0
    asyncio.run(publish_liquidations(settings, 200, 30))
    run_worker("serve", settings=settings, environment=environment)
    asyncio.run(wait_for_liquidations(port, 90))
    more, position = asyncio.run(stream(port, 30, position))
    assert sorted({*seen, *more}) == sorted(
        f"{n:032x}" for n in (*range(100, 120), *range(200, 230))
    )
    assert len(seen) + len(more) == 50


def test_a_websocket_resumes_by_position(settings: Settings, web_port: int) -> None:
    async def read(count: int, position: str) -> tuple[list[str], str]:
        ids: list[str] = []
        path = f"/api/v1/ws?streams=liquidations&position={position}"
        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            asking(web_port) as session,
            session.ws_connect(path, max_msg_size=2**22) as socket,
        ):
            while len(ids) < count:
                message = await socket.receive_json()
                position = message["position"]
                ids += [each["event_id"] for each in message["records"]]
        return ids, position

    async def run() -> None:
        reading = asyncio.create_task(read(1, ""))
        number = 0
        while not reading.done():
            await publish_liquidations(settings, number, 1)
            number += 1
            await asyncio.wait({reading}, timeout=0.5)
        seen, position = await reading
        await publish_liquidations(settings, number, 5)
        first = int(seen[-1], 16) + 1
        wanted = [f"{each:032x}" for each in range(first, number + 5)]
        more, _ = await read(len(wanted), position)
        assert sorted(more) == wanted

    asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "headers", "words"),
    [
        ("streams=prices", {}, "streams are some of"),
        ("position=nonsense", {}, "position"),
        ("", {"Origin": "https://evil.example.com"}, "other sites"),
    ],
)
def test_a_websocket_that_is_refused_says_why(
    web_port: int, query: str, headers: dict[str, str], words: str
) -> None:
    async def ask() -> None:
        async with (
            asking(web_port, **headers) as session,
            session.ws_connect(f"/api/v1/ws?{query}") as socket,
        ):
            assert words in (await socket.receive_json())["error"]
            assert (await socket.receive()).data == 1008

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/v1/liquidations?side=Buy", 400, "LONG"),
        ("/api/v1/liquidations?min_usd=much", 400, "number of dollars"),
        ("/api/v1/liquidations?limit=5000", 422, "1000"),
        ("/api/v1/stream?streams=prices", 400, "streams are some of"),
        ("/api/v1/stream?last_event_id=nonsense", 400, "position"),
        ("/api/v1/stream?last_event_id=liquidations%3D0%3A999999", 410, "no position"),
        ("/api/v1/minutes?since_ms=5&until_ms=1", 400, "before"),
    ],
)
def test_what_makes_no_sense_is_refused(web_port: int, path: str, status: int, words: str) -> None:
    async def ask() -> None:
        async with asking(web_port) as session, session.get(path) as answer:
            assert answer.status == status
            assert words in await answer.text()

    asyncio.run(ask())


#: Requests that a client's library would not send as they are, and the answers they get.
ATTACKS = {
    b"GET /page/../app.py HTTP/1.1\r\n": (404, b""),
    b"GET /page/%2e%2e/app.py HTTP/1.1\r\n": (404, b""),
    b"GET /page/..%2f..%2fapp.py HTTP/1.1\r\n": (404, b""),
    b"GET /page//etc/passwd HTTP/1.1\r\n": (404, b""),
    b"GET /api/v1/cascades/..%2f..%2fetc%2fpasswd HTTP/1.1\r\n": (404, b""),
    b"GET /api/v1/liquidations?asset=%s HTTP/1.1\r\n" % (b"A," * 5_000): (422, b"1000"),
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n": (400, b""),
}


def test_hostile_requests_are_refused(web_port: int) -> None:
    for head, (status, words) in ATTACKS.items():
        answer = raw_answer(web_port, head + b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status), (head[:60], answer[:200])
        assert words in answer
        assert b"root:" not in answer
        assert b"def application" not in answer
    endless = raw_answer(web_port, b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD_BYTES)
    assert endless.startswith(b"HTTP/1.1 400 ")


def raw_answer(port: int, request: bytes) -> bytes:
    with socket.create_connection((LOOPBACK, port), DEADLINE_SECONDS) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.fixture
def web_port(settings: Settings, run_worker: "RunWorker") -> int:
    port = free_port()
    asyncio.run(ensure_topics(settings, ()))
    run_worker("serve", settings=settings, environment={"WEB_PORT": str(port)})
    return port


def test_a_token_is_asked_for(settings: Settings, run_worker: "RunWorker") -> None:
    port, token = free_port(), "a-token-of-many-characters"
    asyncio.run(ensure_topics(settings, ()))
    environment = {"WEB_PORT": str(port), "WEB_TOKENS": f"{token},another-token-than-that"}
    worker = run_worker("serve", settings=settings, environment=environment)

    async def ask(**headers: str) -> int:
        async with asking(port, **headers) as session, session.get("/api/v1/horizon") as answer:
            return answer.status

    assert asyncio.run(ask()) == 401
    assert asyncio.run(ask(Authorization="Bearer wrong-token-of-many-letters")) == 401
    assert asyncio.run(ask(Authorization=f"Bearer {token}")) == 200
    assert token not in worker.log


@pytest.mark.slow
def test_a_client_has_so_many_streams_and_a_half_sent_request_ends(
    settings: Settings, run_worker: "RunWorker"
) -> None:
    port = free_port()
    asyncio.run(ensure_topics(settings, ()))
    environment = {"WEB_PORT": str(port), "WEB_STREAMS_PER_CLIENT": "2"}
    run_worker("serve", settings=settings, environment=environment)

    async def open_three() -> list[int]:
        async with asking(port) as session:
            answers = [await session.get("/api/v1/stream") for _ in range(3)]
            statuses = [answer.status for answer in answers]
            for answer in answers:
                answer.close()
            return statuses

    assert asyncio.run(open_three()) == [200, 200, 429]
    with socket.create_connection((LOOPBACK, port), timeout=DEADLINE_SECONDS) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert slow.recv(100) == b""


def test_a_connection_too_many_is_refused_with_a_sentence(web_port: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 3 * MAX_CONNECTIONS), before[1]))
    refusals: list[bytes] = []
    with ExitStack() as crowd:

        def connect() -> socket.socket:
            place = (LOOPBACK, web_port)
            return crowd.enter_context(socket.create_connection(place, DEADLINE_SECONDS))

        # A connection without a request ends after ten seconds; the crowd is there at once.
        patient = connect()
        for _ in range(MAX_CONNECTIONS - 1):
            connect()
        while not refusals:
            # The server counts those that it has accepted.
            late = connect()
            late.settimeout(0.2)
            with suppress(TimeoutError):
                refusals.append(late.recv(4_096))
        patient.sendall(b"GET /api/v1/horizon HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert patient.recv(4_096).startswith(b"HTTP/1.1 200 ")
    assert refusals[0].startswith(b"HTTP/1.1 503 ")
    assert TOO_MANY in refusals[0]

    async def ask() -> int:
        async with asking(web_port) as session, session.get("/") as answer:
            return answer.status

    # The crowd has gone, and the page is there.
    assert asyncio.run(ask()) == 200
