"""The Model Context Protocol endpoint of `liq serve`, asked by the SDK's own client."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from liq.devstack.ports import LOOPBACK, free_port
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse.installation import install
from tests.support.web_scene import MOMENT_MS, recorded_scene
from tests.support.web_server import asking, publish_clock, publish_records, wait_for_liquidations

if TYPE_CHECKING:
    from tests.conftest import RunWorker

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker", "clickhouse")]
mcp = pytest.importorskip("mcp")


@pytest.fixture
def port(settings: Settings, run_worker: "RunWorker") -> int:
    chosen, topics = free_port(), settings.topics
    found = recorded_scene()
    asyncio.run(ensure_topics(settings, ()))
    install(settings)
    asyncio.run(
        publish_records(settings, {topics.events: found.events, topics.cascades: found.alerts})
    )
    asyncio.run(publish_clock(settings, MOMENT_MS))
    run_worker("serve", settings=settings, environment={"WEB_PORT": str(chosen)})
    asyncio.run(wait_for_liquidations(chosen, 1_000))
    return chosen


async def answer(client: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content)


async def refusal(client: Any, sql: str) -> str:
    result = await client.call_tool("query", {"sql": sql})
    assert result.is_error
    return str(result.content[0].text)


async def test_an_agent_asks_what_the_page_shows(port: int) -> None:
    async with asyncio.timeout(120), mcp.Client(f"http://{LOOPBACK}:{port}/mcp/") as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {
            *("heat_map", "is_data_complete", "open_cascades", "query", "what_happened")
        }
        assert all(tool.annotations.read_only_hint for tool in tools)
        opened = await answer(client, "open_cascades")
        assert [each["asset"] for each in opened["cascades"]] == ["BTC", "ETH", "SOL"]
        assert not opened["horizon"]["is_complete"]
        happened = await answer(client, "what_happened", asset="BTC", hours=1)
        assert happened["largest"][0]["value_usd"].startswith("2986768")
        assert happened["completeness"]["binance"] == ["sampled"]
        levels = await answer(client, "heat_map", asset="ETH")
        assert levels["map"]["cells"]
        assert levels["cascades"]
        complete = await answer(client, "is_data_complete")
        assert complete["completeness"]["bybit"] == ["complete"]
        assert (await client.call_tool("what_happened", {"asset": "BTC", "hours": 99})).is_error


async def test_sql_of_an_agent_is_read_only_and_bounded(port: int) -> None:
    async with asyncio.timeout(120), mcp.Client(f"http://{LOOPBACK}:{port}/mcp/") as client:
        rows = await answer(client, "query", sql="SELECT toDecimal64('1.10', 2) AS usd, 'a' AS b;")
        assert rows == {"columns": ["usd", "b"], "rows": [["1.10", "a"]]}
        assert "outside" in await refusal(client, "SELECT * FROM file('/etc/passwd', LineAsString)")
        assert "read" in (await refusal(client, "DROP TABLE liquidations")).lower()
        assert "Ask for less" in await refusal(client, "SELECT number FROM numbers(2000)")
        assert "code" in await refusal(client, "SELEC 1")


async def test_the_endpoint_wants_the_token_and_its_own_name(
    settings: Settings, run_worker: "RunWorker"
) -> None:
    port, token = free_port(), "a-token-of-many-characters"
    await ensure_topics(settings, ())
    environment = {"WEB_PORT": str(port), "WEB_TOKENS": token}
    await asyncio.to_thread(run_worker, "serve", settings=settings, environment=environment)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with asking(port) as session, session.post("/mcp/", json=body) as refused:
        assert refused.status == 401
    headers = {"Authorization": f"Bearer {token}", "Host": "evil.example.com"}
    async with asking(port, **headers) as session, session.post("/mcp/", json=body) as refused:
        assert refused.status == 421
