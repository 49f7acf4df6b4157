"""The web application: routes, the page's files, tokens and the headers of every answer."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from liq.web.access import Tokens
from liq.web.api import api
from liq.web.sources import Sources
from liq.web.streaming import streaming

PAGE: Final = Path(__file__).parent / "page"
#: Allows the page to load only its own files.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def application(sources: Sources, tokens: Tokens, agents: ASGIApp | None = None) -> FastAPI:
    """Return the application; API requests need a token, the page's files do not.

    `agents` is the endpoint under `/mcp`; None if its extra is not installed.
    """
    app = FastAPI(
        title="liquidation-engine",
        version=version("liquidation-engine"),
        description="Liquidations and cascades, read-only. Every answer says its horizon.",
        # FastAPI's documentation pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )

    app.add_middleware(_Guard, tokens=tokens)
    app.include_router(api(sources))
    app.include_router(streaming(sources, tokens))

    @app.get("/", include_in_schema=False)
    @app.get("/cascade/{cascade_id}", include_in_schema=False)
    async def get_page(cascade_id: str = "") -> FileResponse:  # noqa: ARG001 - the page reads it
        return FileResponse(PAGE / "index.html")

    if agents is not None:
        app.mount("/mcp", agents)
    app.mount("/page", StaticFiles(directory=PAGE))
    return app


class _Guard:
    """Middleware that checks tokens and adds the common headers of every response.

    It does not use Starlette's base class for middleware, which would pass each event of each
    reader through a queue.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        is_guarded = scope["path"].startswith(("/api/", "/mcp"))
        given = Headers(scope=scope).get("authorization", "")
        answer: ASGIApp = self._app
        if is_guarded and not self._tokens.accept(given):
            answer = JSONResponse(
                {"detail": "This server wants a bearer token."},
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        await answer(scope, receive, send_with_headers)
