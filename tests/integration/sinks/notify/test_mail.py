"""Mail through the real apprise, to a real SMTP server: a process of its own."""

import re
import smtplib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr

from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.supervisor import Child, Supervisor
from liq.sinks.notify.http_client import Answer, Verdict
from liq.sinks.notify.messages import Message, compose
from liq.sinks.notify.rules import Channel
from liq.sinks.notify.senders import AppriseSender
from tests.support.notify_rules import alert, notice, one_rule

PASSWORD = "geheim-of-a-mailbox"
ADDRESSES = "from=liq%40example.com&to=desk%40example.com,night%40example.com"
HOSTILE = "BTC\r\nBcc: all@example.com\r\n\r\n<script>"

pytestmark = pytest.mark.integration


class MailServer:
    """What a server got, from what it printed."""

    def __init__(self, supervisor: Supervisor, port: int) -> None:
        self._supervisor = supervisor
        self.port = port

    @property
    def url(self) -> str:
        return f"mailto://{LOOPBACK}:{self.port}?{ADDRESSES}&mode=insecure"

    def messages(self) -> list[EmailMessage]:
        text = self._supervisor.log_path("smtp").read_text()
        found = re.findall(r"-+ MESSAGE FOLLOWS -+\n(.*?)\n-+ END MESSAGE -+", text, re.DOTALL)
        return [message_from_string(each, policy=policy.default) for each in found]


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[MailServer]:
    port = free_port()

    def answers() -> bool:
        try:
            with smtplib.SMTP(LOOPBACK, port, timeout=2) as client:
                return client.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    handler = ("-c", "aiosmtpd.handlers.Debugging", "stdout")
    with Supervisor(folder) as supervisor:
        supervisor.start(
            Child(
                name="smtp",
                command=(
                    sys.executable,
                    *("-u", "-m", "aiosmtpd", "-n", "-l", f"{LOOPBACK}:{port}"),
                    *options,
                    *handler,
                ),
                is_ready=answers,
            )
        )
        yield MailServer(supervisor, port)


def mail(asset: str = "BTC") -> Message:
    return compose(notice(alert(asset=asset, exchanges=(asset,))), rule="r")


async def send(url: str, message: Message) -> Answer:
    [receiver] = one_rule("{alerts: [detected]}").receivers.values()
    chosen = replace(receiver, channel=Channel.APPRISE, url=SecretStr(url), timeout_seconds=60.0)
    return await AppriseSender(chosen).send(message)


async def test_every_address_gets_the_sentence_and_no_name_becomes_a_header(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for message in (mail(), mail(HOSTILE)):
            answer = await send(server.url, message)
            assert answer == Answer(Verdict.DELIVERED, "handed_over", "handed over")
        got = server.messages()
    assert len(got) == 4
    assert {each["To"] for each in got} == {"desk@example.com", "night@example.com"}
    plain, hostile = got[0], got[-1]
    assert plain["Subject"] == mail().title
    for each in got:
        assert "liq@example.com" in each["From"]
        assert each["Bcc"] is None
        body = each.get_body(("plain", "html"))
        assert body is not None
        assert "longs: cascade started" in body.get_content()
        assert "<script>" not in body.get_content()
    assert "\n" not in hostile["Subject"]


async def test_a_server_that_refuses_or_is_away_is_tried_again_and_no_password_is_shown(
    tmp_path: Path,
) -> None:
    later = Answer(Verdict.LATER, "refused", "the service did not take it")
    with serving(tmp_path, "--size", "10") as server:
        assert await send(server.url, mail()) == later
        assert server.messages() == []
        # A login that this server does not offer, as with a wrong password.
        login = server.url.replace("://", f"://liq:{PASSWORD}@")
        answer = await send(login, mail())
        assert (answer.verdict, PASSWORD in repr(answer)) == (Verdict.LATER, False)
    assert await send(server.url, mail()) == later
