"""Signatures that the library of the scheme accepts."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from liq.sinks.notify.signing import secret_key, signed_headers
from tests.support.notify_rules import SECRET

OTHER = f"whsec_{b64encode(bytes(range(32))).decode()}"
BODY = '{"type":"cascade.detected","data":{"asset":"币安"}}'.encode()


def test_the_library_of_the_scheme_verifies_a_signature() -> None:
    now = int(datetime.now(UTC).timestamp())
    headers = signed_headers(
        [secret_key(OTHER), secret_key(SECRET)],
        message_id="msg_1",
        timestamp_seconds=now,
        body=BODY,
    )
    for secret in (SECRET, OTHER):  # a receiver that changes its secret accepts both
        assert Webhook(secret).verify(BODY, headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(BODY + b" ", headers)


def test_the_signature_is_that_of_the_library() -> None:
    at = datetime(2026, 11, 29, tzinfo=UTC)
    ours = signed_headers(
        [secret_key(SECRET)], message_id="msg_1", timestamp_seconds=int(at.timestamp()), body=BODY
    )
    assert ours["webhook-signature"] == Webhook(SECRET).sign("msg_1", at, BODY.decode())


@pytest.mark.parametrize("secret", ["", "abc", "whsec_", "whsec_!!!!", "whsec_YWJj", SECRET[6:]])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        secret_key(secret)
