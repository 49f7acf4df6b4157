"""Redirects are followed to the host that was asked, and to no other."""

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response

from liq.devstack.local_http import LocalHttp
from liq.producers.live.listing import ListingError, get_document, new_client
from liq.producers.live.redirects import ConnectToHost

pytestmark = pytest.mark.integration


class Web:
    """An HTTP server; `redirects` are its redirects by path, `asked` the paths that were asked."""

    def __init__(self) -> None:
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []
        self.http = LocalHttp(self.answer)
        self.address = self.http.address

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        location = self.redirects.get(handler.path)
        handler.send_response(302 if location else 200)
        if location:
            handler.send_header("Location", location)
        body = b"[1]"
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def webs() -> Iterator[tuple[Web, Web]]:
    pair = Web(), Web()
    with pair[0].http, pair[1].http:
        yield pair


async def test_a_listing_is_followed_on_its_own_host_only(webs: tuple[Web, Web]) -> None:
    asked, other = webs
    asked.redirects = {
        "/moved": "/here",
        "/away": f"{other.address}/there",
        "/scheme": "https://127.0.0.1/there",
        "/broken": "http://[",
        "/round": "/round",
        "/nowhere": "",
    }
    async with new_client(10) as client:
        assert await get_document(client, f"{asked.address}/moved") == [1]
        assert await get_document(client, f"{asked.address}/nowhere") == [1]
        for path, reason in {
            "/away": "which is not followed",
            "/scheme": "which is not followed",
            "/broken": "redirects to no address",
            "/round": "more than 5 times",
        }.items():
            with pytest.raises(ListingError, match=reason):
                await get_document(client, asked.address + path)
    assert other.asked == []
    assert asked.asked.count("/round") == 5


async def test_a_websocket_is_followed_on_its_own_host_only() -> None:
    reached: list[str] = []

    async def echo(websocket: ServerConnection) -> None:
        reached.append(websocket.request.path if websocket.request else "")
        await websocket.wait_closed()

    async with serve(echo, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]

        def redirect(connection: ServerConnection, request: Request) -> Response | None:
            location = {"/moved": "/here", "/away": f"ws://127.0.0.1:{port}/there"}.get(
                request.path
            )
            if location is None:
                return None
            response = connection.respond(302, "")
            response.headers["Location"] = location
            return response

        async with serve(echo, "127.0.0.1", 0, process_request=redirect) as asked:
            address = f"ws://127.0.0.1:{asked.sockets[0].getsockname()[1]}"
            async with asyncio.timeout(30), ConnectToHost(f"{address}/moved"):
                pass
            with pytest.raises(InvalidStatus, match="302"):
                async with asyncio.timeout(30), ConnectToHost(f"{address}/away"):
                    pass
    assert reached == ["/here"]
