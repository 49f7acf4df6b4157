"""A Model Context Protocol endpoint: the API's answers for agents, and SQL within limits.

All tools are read-only. Text in answers (symbols, sentences) comes from exchanges: it is data.
"""

import asyncio
from decimal import Decimal
from typing import Annotated, Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from pydantic import Field
from starlette.types import ASGIApp

from liq.runtime.errors import DependencyError
from liq.runtime.settings import Settings
from liq.schemas.units import HOUR_MS
from liq.schemas.vocabulary import Side
from liq.sinks.clickhouse.answers import AnswerLimits, QueryError, asking, refuse_outside_reads
from liq.web.board import Document, documents, dollars
from liq.web.filters import Filters
from liq.web.records import Stream
from liq.web.sources import Sources
from liq.web.summaries import tape

INSTRUCTIONS: Final = (
    "Forced liquidations of crypto derivatives and their cascades, read-only. `side` is the "
    "liquidated position. Dollars of venues whose completeness is `sampled` are lower bounds. "
    "Every answer has a `horizon`; trust a quiet market only where `is_complete` is true."
)
SQL_SECONDS: Final = 10
SQL_ROWS: Final = 1_000
SQL_CHARACTERS: Final = 10_000
SQL_CONCURRENT: Final = 2
LARGEST: Final = 10
LOOKED_AT: Final = 20_000
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
READ_ONLY: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

Asset = Annotated[str, Field(description="Like BTC.", min_length=1, max_length=64)]
Hours = Annotated[int, Field(description="Of the log's newest hours.", ge=1, le=24)]
Question = Annotated[
    str, Field(description="One SELECT of ClickHouse's SQL.", max_length=SQL_CHARACTERS)
]


def agents(sources: Sources, settings: Settings) -> MCPServer:
    """Return the endpoint's server; SQL requires a loopback address or the reader user."""
    server: MCPServer = MCPServer("liquidation-engine", instructions=INSTRUCTIONS)
    _add_questions(server, sources)
    if settings.clickhouse_reader_user or settings.web_host in LOOPBACK:
        _add_sql(server, settings)
    return server


def endpoint(server: MCPServer, settings: Settings) -> ASGIApp:
    """Return the ASGI app for `/mcp`; on a loopback address, it rejects other host names."""
    is_local = settings.web_host in LOOPBACK
    return server.streamable_http_app(
        streamable_http_path="/",
        json_response=True,
        stateless_http=True,
        max_request_body_size=4 * SQL_CHARACTERS,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=is_local,
            allowed_hosts=[f"{name}:*" for name in LOOPBACK],
            allowed_origins=[f"http://{name}:*" for name in LOOPBACK],
        ),
    )


def _add_questions(server: MCPServer, sources: Sources) -> None:
    board = sources.board

    def answer(**content: Any) -> Document:
        return {"horizon": sources.horizon().document(), **content}

    @server.tool(annotations=READ_ONLY)
    async def open_cascades() -> Document:
        """Liquidation cascades that run now, the worst first, each with a sentence."""
        return answer(cascades=list(documents(board.open_cascades())))

    @server.tool(annotations=READ_ONLY)
    async def what_happened(asset: Asset, hours: Hours = 6) -> Document:
        """An asset's last hours: cascades, dollars of longs and shorts, largest liquidations."""
        since_ms = board.newest_liquidation_ms - hours * HOUR_MS
        lives = [*board.open_cascades(), *board.ended_cascades(LOOKED_AT)]
        recent = [
            record
            for record in sources.window.newest(
                Stream.LIQUIDATIONS, Filters(assets=frozenset({asset})), LOOKED_AT
            )
            if record.facets.time_ms >= since_ms
        ]
        return answer(
            asset=asset,
            since_ms=since_ms,
            cascades=[
                alert
                for alert in documents(lives)
                if alert["asset"] == asset and alert["timestamp_ms"] >= since_ms
            ],
            liquidations=len(recent),
            usd={
                side.value: dollars(
                    sum(each.facets.cents for each in recent if each.facets.side == side)
                )
                for side in Side
            },
            largest=sorted(tape(recent), key=lambda row: -Decimal(row["value_usd"]))[:LARGEST],
            completeness=board.completeness(),
        )

    @server.tool(annotations=READ_ONLY)
    async def heat_map(asset: Asset, hours: Hours = 6) -> Document:
        """Dollars of an asset by price level and time; `cells` are [column, row, longs, shorts]."""
        return answer(map=board.price_levels.map(asset, hours), cascades=board.spans(asset))

    @server.tool(annotations=READ_ONLY)
    async def is_data_complete() -> Document:
        """Until when data are known, which venues publish samples, which feeds are down, gaps."""
        return answer(
            completeness=board.completeness(), feeds=board.venues(), gaps=board.gaps[:-21:-1]
        )


def _add_sql(server: MCPServer, settings: Settings) -> None:
    places = asyncio.Semaphore(SQL_CONCURRENT)

    @server.tool(annotations=READ_ONLY)
    async def query(sql: Question) -> Document:
        """Ask ClickHouse one SELECT: at most 1,000 rows, ten seconds. SHOW TABLES lists views."""
        async with places:
            try:
                return await asyncio.to_thread(_ask, settings, sql.strip().rstrip(";"))
            except (QueryError, DependencyError) as error:
                raise ToolError(str(error)) from error


def _ask(settings: Settings, question: str) -> Document:
    with asking(settings, AnswerLimits(SQL_SECONDS, SQL_ROWS)) as client:
        refuse_outside_reads(client, question)
        answer = client.query(question)
        return {
            "columns": list(answer.column_names),
            "rows": [[_plain(value) for value in row] for row in answer.result_rows],
        }


def _plain(value: Any) -> Any:
    """Return a value in JSON's types, with decimals and times as text."""
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
