"""Signatures of the Standard Webhooks scheme (version 1.0.0 of its specification).

The signed text is `id.timestamp.body`. A secret is `whsec_` and 24 to 64 bytes in base64. Several
signatures, separated by blanks, let a receiver rotate its secret without missing a message.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how every secret begins
SECRET_BYTES: Final = range(24, 65)


def secret_key(secret: str) -> bytes:
    """Decode the key of a secret.

    Raises:
        ValueError: the secret is malformed; the message does not repeat it.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a secret begins with {SECRET_PREFIX}")
    try:
        key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (Base64Error, ValueError):
        raise ValueError(f"a secret is {SECRET_PREFIX} and base64") from None
    if len(key) not in SECRET_BYTES:
        raise ValueError(
            f"a secret has {SECRET_BYTES.start} to {SECRET_BYTES.stop - 1} bytes, not {len(key)}"
        )
    return key


def signed_headers(
    keys: Sequence[bytes], *, message_id: str, timestamp_seconds: int, body: bytes
) -> dict[str, str]:
    """Return the three headers of one attempt; `timestamp_seconds` is the time of the attempt."""
    signed = b"%s.%d.%s" % (message_id.encode("ascii"), timestamp_seconds, body)
    signatures = (b64encode(hmac.digest(key, signed, sha256)).decode() for key in keys)
    return {
        ID: message_id,
        TIMESTAMP: str(timestamp_seconds),
        SIGNATURE: " ".join(f"v1,{signature}" for signature in signatures),
    }
