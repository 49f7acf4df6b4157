"""Other sites cannot read any answer, and nothing but this machine reaches a server by default."""

from typing import Any, cast

import pytest

from liq.runtime.settings import load_settings
from liq.web.access import StreamPlaces, Tokens
from liq.web.app import POLICY, application
from liq.web.board import Board
from liq.web.sources import Sources
from liq.web.window import Window

httpx = pytest.importorskip("httpx2", reason="the extra agents is not installed")

ORIGIN = {"Origin": "https://evil.example.com"}
PATHS = ("/", "/page/page.js", "/api/v1/openapi.json", "/api/v1/cascades?limit=no", "/nowhere")


@pytest.fixture
def client() -> Any:
    nothing = cast(Any, None)
    sources = Sources(Window(1_000_000), Board(), nothing, nothing, StreamPlaces(1))
    transport = httpx.ASGITransport(application(sources, Tokens(())))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize("path", PATHS)
async def test_no_answer_allows_another_site_to_read_it(client: Any, path: str) -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "GET"}
    for answer in (
        await client.get(path, headers=ORIGIN),
        await client.options(path, headers=asked),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["content-security-policy"] == POLICY
    assert answer.status_code in {404, 405}


def test_a_server_listens_on_this_machine_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEB_HOST", raising=False)
    assert load_settings().web_host == "127.0.0.1"
