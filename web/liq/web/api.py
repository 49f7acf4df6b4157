"""The API of `liq serve`: the last day from memory, older data from ClickHouse."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Response
from fastapi.responses import JSONResponse

from liq.schemas.units import DAY_MS, HOUR_MS
from liq.web import history
from liq.web.board import documents
from liq.web.history import HistoryError, period
from liq.web.recent import seconds_and_prices
from liq.web.records import Stream
from liq.web.sources import Sources
from liq.web.wanted import Wanted
from liq.web.window import join

MAX_LIMIT: Final = 1_000
MAX_DAYS: Final = 31
PING_SECONDS: Final = 15
#: A stream ends if its reader does not accept a message within this time.
SEND_SECONDS: Final = 30
JSON: Final = "application/json"


Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many, the newest first.")]


def api(sources: Sources) -> APIRouter:
    """Return the routes under `/api/v1`."""
    router = APIRouter(prefix="/api/v1")
    _answer_from_memory(router, sources)
    _answer_from_history(router, sources)
    return router


def _answer_from_memory(router: APIRouter, sources: Sources) -> None:
    board = sources.board

    @router.get("/horizon", summary="Until when liquidations and alerts are known")
    async def get_horizon() -> dict[str, Any]:
        return sources.horizon().document()

    @router.get("/cascades", summary="Open cascades, the worst first, and the newest ended ones")
    async def get_cascades(limit: Limit = 100) -> dict[str, Any]:
        return _answer(
            sources,
            open=documents(board.open_cascades()),
            ended=documents(board.ended_cascades(limit)),
        )

    @router.get("/liquidations", summary="The newest liquidations of the last day")
    async def get_liquidations(
        wanted: Annotated[Wanted, Depends()], limit: Limit = 100
    ) -> Response:
        filters = wanted.filters()
        found = join(iter(sources.window.newest(Stream.LIQUIDATIONS, filters, limit)))
        head = JSONResponse(sources.horizon().document()).body
        body = b'{"horizon":' + bytes(head) + b',"liquidations":' + (found or b"[]") + b"}"
        return Response(body, media_type=JSON)

    @router.get("/minutes/today", summary="Sums of the last day by minute, venue and side")
    async def get_minutes_today(hours: Annotated[int, Query(ge=1, le=24)] = 24) -> dict[str, Any]:
        since_ms = board.newest_liquidation_ms - hours * HOUR_MS
        return _answer(sources, minutes=list(board.minutes(since_ms)))

    @router.get("/heat-map/today", summary="The last hours of an asset: minutes, price levels")
    async def get_heat_map_today(
        asset: Annotated[str, Query(max_length=64)] = "",
        hours: Annotated[int, Query(ge=1, le=24)] = 6,
    ) -> dict[str, Any]:
        assets = board.price_levels.assets()
        found = board.price_levels.map(asset or next(iter(assets), ""), hours)
        return _answer(sources, assets=assets, map=found, cascades=board.spans(found["asset"]))

    @router.get("/venues", summary="Connections and troubles of every feed")
    async def get_venues() -> dict[str, Any]:
        return _answer(sources, venues=board.venues(), completeness=board.completeness())

    @router.get("/gaps", summary="Times in which liquidations may be missing, the newest first")
    async def get_gaps(limit: Limit = 100) -> dict[str, Any]:
        return _answer(sources, gaps=board.gaps[: -limit - 1 : -1])


def _answer_from_history(router: APIRouter, sources: Sources) -> None:
    @router.get("/cascades/{cascade_id}", summary="A cascade's life, and its post-mortem")
    async def get_cascade(
        cascade_id: Annotated[str, Path(pattern="^[0-9a-f]{1,64}$")],
    ) -> dict[str, Any]:
        life = sources.board.cascades.get(cascade_id)
        asked = {"cascade_id": cascade_id}
        try:
            stored = await sources.history.ask(history.CASCADE, asked) if life is None else []
            seconds = await sources.history.ask(history.CASCADE_SECONDS, asked)
            prices = await sources.history.ask(history.CASCADE_PRICES, asked)
            missing = ""
        except HistoryError as error:
            stored, seconds, prices, missing = [], [], [], f"{error}."
        if life is None and not stored:
            raise HTTPException(503 if missing else 404, missing or "There is no such cascade.")
        if life is not None and not seconds:
            # ClickHouse is unreachable, or the sink has not inserted the newest seconds yet.
            seconds, prices = seconds_and_prices(sources.window, life.newest)
            if sum(each["count"] for each in seconds) >= life.newest["event_count"]:
                missing = ""
        return _answer(
            sources,
            steps=stored if life is None else life.steps,
            is_open=life is not None and life.is_open,
            seconds=seconds,
            prices=prices,
            missing=missing,
        )

    @router.get("/minutes", summary="Sums by minute, venue and side, from ClickHouse")
    async def get_minutes(
        since_ms: Annotated[int, Query(ge=0)],
        until_ms: Annotated[int, Query(ge=0)],
        symbol: Annotated[str, Query(max_length=64)] = "",
    ) -> dict[str, Any]:
        parameters = {**_period(since_ms, until_ms, DAY_MS), "symbol": symbol}
        return _answer(sources, minutes=await _ask(sources, history.MINUTES, parameters))

    @router.get("/heat-map", summary="Dollars of a symbol by price level and hour")
    async def get_heat_map(
        symbol: Annotated[str, Query(min_length=1, max_length=64)],
        since_ms: Annotated[int, Query(ge=0)],
        until_ms: Annotated[int, Query(ge=0)],
    ) -> dict[str, Any]:
        parameters = {**_period(since_ms, until_ms, MAX_DAYS * DAY_MS), "symbol": symbol}
        return _answer(sources, levels=await _ask(sources, history.HEAT_MAP, parameters))


def _answer(sources: Sources, **content: Any) -> dict[str, Any]:
    return {"horizon": sources.horizon().document(), **content}


async def _ask(sources: Sources, query: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        return await sources.history.ask(query, parameters)
    except HistoryError as error:
        raise HTTPException(503, f"{error}.") from error


def _period(since_ms: int, until_ms: int, longest_ms: int) -> dict[str, Any]:
    if not since_ms < until_ms <= since_ms + longest_ms:
        raise HTTPException(
            400, f"since_ms is before until_ms, by at most {longest_ms // HOUR_MS} hours"
        )
    try:
        return dict(period(since_ms, until_ms))
    except (ValueError, OverflowError, OSError) as error:
        raise HTTPException(400, "since_ms and until_ms are milliseconds since 1970") from error
