"""Who may speak to the server: credentials, and no web pages."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode


@dataclass(frozen=True)
class Credentials:
    """The one user, and the password when there is one."""

    user: str
    password: str | None

    def check(self, headers: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        """Accept a request of the user; without a password any password will do.

        Raises:
            ClickHouseError: 516, the same for a wrong user and a wrong password.
        """
        user, password = _presented(headers, parameters)
        right_user = _equal(user, self.user)
        right_password = self.password is None or _equal(password, self.password)
        if not (right_user and right_password):
            raise ClickHouseError.named(
                ErrorCode.AUTHENTICATION_FAILED,
                f"{user}: Authentication failed: wrong password, or no such user.",
            )


def may_be_web_page(headers: Mapping[str, str], credentials: Credentials) -> bool:
    """Tell what a browser may send for some web page from a program's request.

    Any page a user opens could otherwise send statements to a server on the same machine. Browsers
    name the page in these headers, except when a page's own host name was made to point here; so
    a server without a password answers only to an IP address or localhost as its name.
    """
    if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
        return True
    return credentials.password is None and not _is_address(headers.get("host", "localhost"))


def _is_address(host_header: str) -> bool:
    host = urlsplit(f"//{host_header}").hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _presented(headers: Mapping[str, str], parameters: Mapping[str, str]) -> tuple[str, str]:
    """Return the user and password a request names, from the first place that names any."""
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return headers.get("x-clickhouse-user", "default"), headers.get("x-clickhouse-key", "")
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme:
        try:
            decoded = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except binascii.Error:
            decoded = b""
        user, _, password = decoded.decode("utf-8", "replace").partition(":")
        return user, password
    return parameters.get("user", "default"), parameters.get("password", "")


def _equal(presented: str, expected: str) -> bool:
    return hmac.compare_digest(
        presented.encode("utf-8", "surrogateescape"), expected.encode("utf-8")
    )
