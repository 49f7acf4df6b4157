"""The real apprise in its child process: plain texts, bounds, and no secret in sight."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from liq.sinks.notify.apprise_child import hand_over
from liq.sinks.notify.apprise_codes import ACCEPTED, BAD_ADDRESS
from liq.sinks.notify.http_client import Answer, Verdict
from liq.sinks.notify.messages import Message, compose
from liq.sinks.notify.rules import Channel
from liq.sinks.notify.senders import AppriseSender
from tests.support.notify_rules import alert, notice, one_rule

HOSTILE = "<b>*_[x](http://evil.com) @everyone <!channel> \\u0041 :smile: `~\x1b[2J"
TOKEN = "t0ken-of-a-chat"
SERVICES = (
    "tgram://123456789:abcdefg_hijklmnopqrstuvwxyzabcdef/12315544/",
    "discord://123456789012345678/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz12345678/",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
)


def hostile_message() -> Message:
    return compose(notice(alert(asset=HOSTILE, exchanges=(HOSTILE,))), rule="r")


def sender(url: str, timeout_seconds: float = 60.0) -> AppriseSender:
    [receiver] = one_rule("{alerts: [detected]}").receivers.values()
    return AppriseSender(
        replace(
            receiver, channel=Channel.APPRISE, url=SecretStr(url), timeout_seconds=timeout_seconds
        )
    )


async def served(handler: Callable[[web.Request], Awaitable[web.Response]]) -> TestServer:
    application = web.Application()
    application.router.add_post("/{path:.*}", handler)
    server = TestServer(application)
    await server.start_server()
    return server


async def test_a_service_gets_the_text_as_it_is() -> None:
    got: list[dict[str, Any]] = []

    async def keep(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response()

    server = await served(keep)
    message = hostile_message()
    answer = await sender(f"json://127.0.0.1:{server.port}/{TOKEN}").send(message)
    await server.close()
    assert answer.verdict is Verdict.DELIVERED
    assert (got[0]["title"], got[0]["message"]) == (message.title, message.text)
    assert got[0]["type"] == "warning"


async def test_a_service_that_refuses_is_tried_again() -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    server = await served(refuse)
    answer = await sender(f"json://127.0.0.1:{server.port}/{TOKEN}").send(hostile_message())
    await server.close()
    assert answer == Answer(Verdict.LATER, "refused", "the service did not take it")


@pytest.mark.slow
async def test_a_service_that_hangs_costs_its_time_limit_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DESK_SECRET", TOKEN)
    asked, ended = asyncio.Event(), asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        asked.set()
        await ended.wait()
        return web.Response()

    server = await served(hang)
    sending = asyncio.create_task(
        # Apprise's own time limit is longer here.
        sender(f"json://127.0.0.1:{server.port}/{TOKEN}?rto=90", timeout_seconds=10).send(
            hostile_message()
        )
    )
    async with asyncio.timeout(60):
        await asked.wait()
    [child] = children_of_ours()
    for name in ("cmdline", "environ"):
        assert TOKEN.encode() not in (child / name).read_bytes()
    answer = await sending
    ended.set()
    await server.close()
    assert (answer.label, TOKEN in answer.sentence) == ("timeout", False)
    assert children_of_ours() == []


async def test_an_address_that_apprise_does_not_know_is_named() -> None:
    answer = await sender(f"nonsense://{TOKEN}").send(hostile_message())
    assert (answer.label, TOKEN in answer.sentence) == ("bad_address", False)


@pytest.mark.parametrize("url", SERVICES, ids=["telegram", "discord", "slack"])
def test_no_markup_mention_or_link_of_a_name_reaches_a_chat(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def post(*_arguments: Any, **options: Any) -> requests.Response:
        payload = options.get("data") or options.get("json")
        sent.append(payload if isinstance(payload, str) else json.dumps(payload))
        response = requests.Response()
        response.status_code = 200
        response._content = b'{"ok": true}' if "tgram" in url else b"ok"
        return response

    monkeypatch.setattr(requests, "post", post)
    monkeypatch.setattr(requests, "request", post)
    message = hostile_message()
    order = {"url": url, "title": message.title, "text": message.text, "type": "warning"}
    assert hand_over(order) == ACCEPTED
    text = json.dumps([json.loads(each) for each in sent], ensure_ascii=False)
    assert "longs: cascade started" in text
    for active in (
        "<b>x",
        "@everyone",
        "<!channel>",
        "](http",
        "evil.com",
        "\x1b",
        "\\u001b",
        "`~",
    ):
        assert active not in text
    assert "\uff20everyone" in text


def test_no_address_is_a_bad_address() -> None:
    assert hand_over({"url": "", "title": "", "text": "", "type": "info"}) == BAD_ADDRESS


def children_of_ours() -> list[Path]:
    """The child processes that run apprise now."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes() if process.name.isdigit() else b""
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1] if command else ""
        except OSError:
            continue
        if b"liq.sinks.notify.apprise_child" in command and int(parent) == os.getpid():
            found.append(process)
    return found
