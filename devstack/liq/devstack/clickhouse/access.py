"""Authentication of requests: one user with a password."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode


@dataclass(frozen=True)
class Credentials:
    """The single user and its password."""

    user: str
    password: str

    def check(self, headers: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        """Check the login of a request.

        Raises:
            ClickHouseError: 516, for both a wrong user and a wrong password.
        """
        user, password = _presented(headers, parameters)
        right_user = _equal(user, self.user)
        right_password = _equal(password, self.password)
        if not (right_user and right_password):
            raise ClickHouseError.named(
                ErrorCode.AUTHENTICATION_FAILED,
                f"{user}: Authentication failed: wrong password, or no such user.",
            )


def _presented(headers: Mapping[str, str], parameters: Mapping[str, str]) -> tuple[str, str]:
    """Return the user and password of a request, from the first place that has them."""
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
