"""The header of frames that wait or waited for a contract."""

import pytest

from liq.schemas.headers import RETRY, Retry, retry_header


@pytest.mark.parametrize(
    "retry",
    [
        Retry(("BTC-USDT-SWAP",)),
        Retry(("A,B-USD", "币安人生_USDT"), attempt=2, offset=17),
        Retry(("1",), attempt=3, is_final=True),
    ],
)
def test_it_says_the_same_when_it_is_read(retry: Retry) -> None:
    assert retry_header([("feed", b"x"), retry.encode()]) == retry


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"5",
        b"\xff",
        b'{"contracts":[],"attempt":0,"offset":null,"final":false}',
        b'{"contracts":[1],"attempt":0,"offset":null,"final":false}',
        b'{"contracts":["A"],"attempt":"0","offset":null,"final":false}',
        b'{"contracts":["A"],"attempt":0,"offset":null}',
        b'{"contracts":["\\ud800"],"attempt":0,"offset":null,"final":false}',
        b'{"contracts":"AB","attempt":0,"offset":null,"final":false}',
        b'{"contracts":["A"],"attempt":-1,"offset":null,"final":false}',
        b'{"contracts":["A"],"attempt":0,"offset":9223372036854775808,"final":false}',
        b'{"contracts":["A"],"attempt":0,"offset":1' + 5_000 * b"0" + b',"final":false}',
        b"[" * 100_000,
    ],
)
def test_a_broken_one_is_none(value: bytes | None) -> None:
    assert retry_header([(RETRY, value)]) is None
    assert retry_header([]) is None
