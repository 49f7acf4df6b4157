"""The senders of messages: a signed POST, or apprise in a child process."""

import asyncio
import json
import os
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from liq.runtime.environment import environment
from liq.sinks.notify.apprise_codes import ACCEPTED, BAD_ADDRESS, NOT_INSTALLED, REFUSED
from liq.sinks.notify.http_client import Answer, HttpClient, Verdict
from liq.sinks.notify.messages import Message
from liq.sinks.notify.rules import Channel, Receiver
from liq.sinks.notify.signing import signed_headers

USER_AGENT: Final = "liquidation-engine"
CHILD_MODULE: Final = "liq.sinks.notify.apprise_child"
#: The environment variables that a child process inherits; no secrets are among them.
CHILD_VARIABLES: Final = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH"})
SENTENCES: Final = {
    REFUSED: ("refused", "the service did not take it"),
    BAD_ADDRESS: ("bad_address", "apprise does not understand its address"),
    NOT_INSTALLED: ("not_installed", "pip install 'liquidation-engine[notify]' is missing"),
}


class Sender(ABC):
    """A sender to one receiver, which makes one attempt at a time."""

    @abstractmethod
    async def send(self, message: Message) -> Answer:
        """Make one attempt within the receiver's time limit."""

    @abstractmethod
    async def close(self) -> None:
        """Release the sender's resources."""


class WebhookSender(Sender):
    """A sender that posts messages, signed by the Standard Webhooks scheme."""

    def __init__(self, receiver: Receiver, now: Callable[[], float] = time.time) -> None:
        self._keys = receiver.keys
        self._client = HttpClient(receiver)
        self._now = now

    async def send(self, message: Message) -> Answer:
        """Post once; the timestamp and the signature are those of this attempt."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **signed_headers(
                self._keys,
                message_id=message.id,
                timestamp_seconds=int(self._now()),
                body=message.body,
            ),
        }
        return await self._client.post(message.body, headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class AppriseSender(Sender):
    """A sender that uses apprise for chat services, in one child process per message.

    A service's library may hang, leak or crash, which affects only the child. Address and message
    go through a pipe, so that no process list shows them.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._url = receiver.url
        self._timeout_seconds = receiver.timeout_seconds

    async def send(self, message: Message) -> Answer:
        """Make one attempt in a child process."""
        order = json.dumps(
            {
                "url": self._url.get_secret_value(),
                "title": message.title,
                "text": message.text,
                "type": "warning" if message.is_warning else "info",
            }
        ).encode()
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            CHILD_MODULE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in environment().items() if name in CHILD_VARIABLES},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await child.communicate(order)
        except TimeoutError:
            limit = self._timeout_seconds
            return Answer(Verdict.LATER, "timeout", f"not handed over within {limit:g} s")
        finally:
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
                await child.wait()
        if child.returncode == ACCEPTED:
            return Answer(Verdict.DELIVERED, "handed_over", "handed over")
        label, sentence = SENTENCES.get(
            child.returncode or 0, ("crashed", f"apprise ended with {child.returncode}")
        )
        return Answer(Verdict.LATER, label, sentence)

    async def close(self) -> None:
        """Do nothing: there are no resources between two messages."""


def new_sender(receiver: Receiver) -> Sender:
    """Return the sender of a receiver's channel."""
    if receiver.channel is Channel.WEBHOOK:
        return WebhookSender(receiver)
    return AppriseSender(receiver)
