"""The HTTP client of notifications. Every part of a receiver's response is bounded.

It connects only to public addresses and follows no redirects, unless the receiver's options allow
them. It stores no cookie, decompresses nothing, uses no proxy of the environment, and reads at most
`MAX_ANSWER_BYTES` of a response. Its results contain no address, header or body of a response.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from liq.runtime.retry import asked_pause_seconds
from liq.sinks.notify.addresses import CheckedResolver, InternalAddressError, is_internal
from liq.sinks.notify.rules import Receiver

CONNECT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 16 * 1024
MAX_LINE_BYTES: Final = 8 * 1024
MAX_CONNECTIONS: Final = 2
MAX_REDIRECTS: Final = 3
#: Redirects that keep the method and the body.
KEEPING_REDIRECTS: Final = frozenset({307, 308})


class Verdict(StrEnum):
    """The consequence of an attempt: delivered, retry later, message refused, or receiver gone."""

    DELIVERED = "delivered"
    LATER = "later"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an attempt: a label for metrics, a sentence, and the least wait in seconds."""

    verdict: Verdict
    label: str
    sentence: str
    wait_seconds: float = 0.0


#: Statuses that reject the message itself; others are due to the receiver or its configuration.
BAD_MESSAGE_STATUSES: Final = frozenset({400, 413, 415, 422})
GONE_STATUS: Final = 410


class HttpClient:
    """The client of one receiver. Call `close` at the end."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Make one attempt within the receiver's time limit."""
        url = self._receiver.url.get_secret_value()
        try:
            async with asyncio.timeout(self._receiver.timeout_seconds):
                return await self._follow(url, body, headers)
        except TimeoutError:
            limit = self._receiver.timeout_seconds
            return Answer(Verdict.LATER, "timeout", f"no answer within {limit:g} s")
        except InternalAddressError as error:
            return Answer(Verdict.LATER, "internal_address", f"{error}; see allow_internal")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _unreachable(error)

    async def _follow(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer, location = await self._post_once(url, body, headers)
            if location is None:
                return answer
            target = urljoin(url, location)
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                return Answer(Verdict.LATER, "redirect", "it redirects away from https")
            url = target
        return Answer(Verdict.LATER, "redirect", f"it redirects more than {MAX_REDIRECTS} times")

    async def _post_once(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Answer, str | None]:
        self._check_address(url)
        async with self._open_session().post(
            URL(url, encoded=False), data=body, headers=headers, allow_redirects=False
        ) as response:
            status = response.status
            location = response.headers.get("Location")
            # A response that is read to its end keeps the connection usable for the next message.
            await response.content.read(MAX_ANSWER_BYTES)
            if not response.content.at_eof():
                response.close()
            if 300 <= status < 400:  # noqa: PLR2004 - redirects, by RFC 9110
                if self._receiver.follow_redirects and status in KEEPING_REDIRECTS and location:
                    return Answer(Verdict.LATER, "redirect", "it redirects"), location
                return Answer(
                    Verdict.LATER, "redirect", f"it redirects ({status}); see follow_redirects"
                ), None
            return _judge(status, response.headers.get("Retry-After")), None

    def _check_address(self, url: str) -> None:
        """Reject a literal internal address, which never reaches the resolver.

        Raises:
            InternalAddressError: the address is internal and not allowed.
        """
        host = urlsplit(url).hostname or ""
        is_written_out = ":" in host or host.replace(".", "").isdigit()
        if is_written_out and not self._receiver.allow_internal and is_internal(host):
            raise InternalAddressError("the address is internal")

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=CheckedResolver(allow_internal=self._receiver.allow_internal),
                    limit=MAX_CONNECTIONS,
                    ssl=_tls_context(),
                    use_dns_cache=False,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                auto_decompress=False,
                trust_env=False,
                max_line_size=MAX_LINE_BYTES,
                max_field_size=MAX_LINE_BYTES,
                skip_auto_headers=("User-Agent",),
            )
        return self._session


@cache
def _tls_context() -> ssl.SSLContext:
    """Return the shared context, because reading the certificates takes a tenth of a second."""
    return ssl.create_default_context()


def _judge(status: int, retry_after: str | None) -> Answer:
    label = f"status_{status}"
    if 200 <= status < 300:  # noqa: PLR2004 - success, by RFC 9110
        return Answer(Verdict.DELIVERED, label, "accepted")
    sentence = f"it answers {status}"
    if status == GONE_STATUS:
        return Answer(Verdict.GONE, label, f"{sentence}: it is gone for good")
    if status in BAD_MESSAGE_STATUSES:
        return Answer(Verdict.REFUSED, label, sentence)
    return Answer(Verdict.LATER, label, sentence, asked_pause_seconds(retry_after))


def _unreachable(error: Exception) -> Answer:
    """Describe a failure by its kind, because the library's message would reveal the address."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        if isinstance(error.os_error, InternalAddressError):
            return Answer(
                Verdict.LATER, "internal_address", f"{error.os_error}; see allow_internal"
            )
        return Answer(Verdict.LATER, "dns", "its name has no address")
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return Answer(Verdict.LATER, "tls", "its certificate or TLS is not accepted")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Answer(Verdict.LATER, "connect", "it cannot be reached")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Answer(Verdict.LATER, "hung_up", "it hung up before it answered")
    return Answer(Verdict.LATER, "protocol", f"its answer is none of HTTP ({type(error).__name__})")
