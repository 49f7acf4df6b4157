"""Redirects of venues: followed only within the requested host.

The operator or a declaration chooses an address. A host that answers for it once (a captive portal,
a hijacked DNS entry) must not choose the address from which a producer reads later.
"""

from typing import Final
from urllib.parse import urljoin, urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.uri import parse_uri

MAX_REDIRECTS: Final = 5
MAX_SHOWN_HOST: Final = 100
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class RedirectError(Exception):
    """An address redirects to another host, or too often; the message names the hosts."""


class ConnectToHost(connect):
    """A websocket connection that treats a redirect to another host as a refused handshake."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the address to follow, or the error of the handshake."""
        asked = self.ws_uri
        followed = super().process_redirect(exc)
        if isinstance(followed, Exception):
            return exc if isinstance(exc, InvalidStatus) else followed
        found = parse_uri(followed)
        if (found.secure, found.host, found.port) == (asked.secure, asked.host, asked.port):
            return followed
        return exc


def redirected(asked: str, location: str) -> str:
    """Return the address to which a response of `asked` redirects.

    Raises:
        RedirectError: the address is invalid, or has another host, port or scheme.
    """
    try:
        found = urljoin(asked, location)
        is_same = _origin(found) == _origin(asked)
    except ValueError as error:
        raise RedirectError(f"{_host(asked)} redirects to no address") from error
    if not is_same:
        raise RedirectError(
            f"{_host(asked)} redirects to {_host(found)}, which is not followed; if the venue has "
            "moved, set the new address"
        )
    return found


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _host(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{(parts.hostname or '')[:MAX_SHOWN_HOST]}"
