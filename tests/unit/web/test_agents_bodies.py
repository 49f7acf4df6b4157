"""Large and deep bodies to the endpoint for agents are refused within bounds, and say why."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import pytest

from liq.runtime.settings import load_settings
from liq.web.access import StreamPlaces
from liq.web.board import Board
from liq.web.sources import Sources
from liq.web.window import Window

agents = pytest.importorskip("liq.web.agents", reason="the extra agents is not installed")
httpx = pytest.importorskip("httpx2", reason="the extra agents is not installed")

MOST_BYTES = 40_000
#: The SDK parses bodies of the present protocol by another parser than those before it.
PROTOCOLS: Final[tuple[dict[str, str], ...]] = ({}, {"MCP-Protocol-Version": "2026-07-28"})
DEEP = b"[" * (MOST_BYTES // 2) + b"]" * (MOST_BYTES // 2)


@asynccontextmanager
async def asking() -> AsyncIterator[Any]:
    settings = load_settings()
    nothing = cast(Any, None)
    sources = Sources(Window(1_000_000), Board(), nothing, nothing, StreamPlaces(1))
    server = agents.agents(sources, settings)
    app = agents.endpoint(server, settings)
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    async with (
        server.session_manager.run(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000", headers=headers
        ) as opened,
    ):
        yield opened


def call(tool: str, **arguments: object) -> bytes:
    request = {"name": tool, "arguments": arguments}
    return json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": request}
    ).encode()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_large_body_is_refused_whether_it_states_its_length_or_not(
    protocol: dict[str, str],
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for part in range(1_000):
            assert part * 4_096 <= 2 * MOST_BYTES, "the endpoint goes on reading"
            yield b" " * 4_096

    async with asking() as client:
        stated = await client.post("/", content=b" " * (MOST_BYTES + 1), headers=protocol)
        streamed = await client.post("/", content=endless(), headers=protocol)
        fits = await client.post("/", content=b" " * MOST_BYTES, headers=protocol)
    assert [stated.status_code, streamed.status_code] == [413, 413]
    assert stated.text == streamed.text == "Request body too large"
    assert fits.status_code == 400


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("body", [DEEP, b'{"a":' * 6_000, b"1" * 30_000, b"\xff\x00", b""])
async def test_a_deep_or_broken_body_is_refused_with_the_reason(
    protocol: dict[str, str], body: bytes
) -> None:
    async with asking() as client:
        answer = await client.post("/", content=body, headers=protocol)
    assert answer.status_code == 400
    assert "Parse error" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (call("query", sql="1" * 10_001), "at most 10000 characters"),
        (call("query", sql=["SELECT 1"]), "a valid string"),
        (call("what_happened", asset="A" * 65), "at most 64 characters"),
        (call("heat_map", asset="BTC", hours=10**30), "less than or equal to 24"),
    ],
)
async def test_an_argument_out_of_bounds_is_refused_with_its_bound(body: bytes, words: str) -> None:
    async with asking() as client:
        answer = (await client.post("/", content=body)).json()["result"]
    assert answer["isError"]
    assert words in answer["content"][0]["text"]


async def test_a_page_of_another_site_is_refused() -> None:
    async with asking() as client:
        answer = await client.post(
            "/", content=call("open_cascades"), headers={"Origin": "https://evil.example.com"}
        )
    assert answer.status_code == 403
