"""Account addresses in frames become others of the same shape; nothing else changes."""

import random
import re

import orjson
import pytest

from liq.cli.doctor.pseudonyms import Pseudonyms

VAULT = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
ADDRESS = "0x12345678901234567890abcdefabcdef12345678"
SOLANA = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
DYDX = "dydx14zzueazeh0hj67cghhf9jypslcf9sh2n5k6art"


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(kept=[VAULT], random_source=random.Random(7))  # noqa: S311 - drawn again the same


@pytest.mark.parametrize(
    ("frame", "secret"),
    [
        (f'{{"user":"{ADDRESS}"}}', ADDRESS),
        (f'{{"users": ["{ADDRESS}", "{VAULT}"]}}', ADDRESS),
        (f'[["{ADDRESS}", {{"coin":"BTC"}}]]', ADDRESS),
        (f'{{"{ADDRESS}": 1}}', ADDRESS),
        (f"Invalid subscription {ADDRESS} today", ADDRESS),
        (f'{{"data":"Invalid subscription {{\\"user\\":\\"{ADDRESS}\\"}}"}}', ADDRESS),
        ('{"data":"no such account {\\"account_id\\":123456789}"}', "123456789"),
        (f'{{"hash":"0x{"ab1" * 21}c"}}', "ab1" * 21),
        (f'{{"tx_hash":"{"0f1a2" * 16}"}}', "0f1a2" * 16),
        (f'{{"a":"{"0f1a2" * 8}"}}', "0f1a2" * 8),
        (f'{{"u":"{SOLANA}"}}', SOLANA),
        (f'{{"owner":"{DYDX}"}}', DYDX),
        (f'{{"x":"{DYDX}"}}', DYDX),
        ('{"ask_account_id":281474976,"bid_account_id":7}', "281474976"),
        ('{"accountId":"A-4711-xyz"}', "A-4711-xyz"),
        ('{"account":{"id":99887766,"time":1}}', "99887766"),
        ('{"accounts":[99887766,{"x":1},55443322]}', "55443322"),
        (f'{{"user":"{ADDRESS}', ADDRESS),
    ],
)
def test_an_account_does_not_survive(pseudonyms: Pseudonyms, frame: str, secret: str) -> None:
    replaced = pseudonyms.replace(frame)
    assert secret not in replaced
    assert replaced != frame
    # Everything that is not of letters and digits stands where it stood.
    assert re.sub(r"\w+", "", replaced) == re.sub(r"\w+", "", frame)


@pytest.mark.parametrize(
    "frame",
    [
        "pong",
        f'{{"user":"{VAULT}","liquidator":"{VAULT.upper().replace("0X", "0x")}"}}',
        '{"hash":"0x0000000000000000000000000000000000000000000000000000000000000000"}',
        '{"ask_account_pnl":"0.123","user_type":"perp","account_size":12,"account":true}',
        '{"taker_fee" : 1e3,\t"price":\n1.50, "T":1799000000000, "tid":340554939716632}',
        '{"orderID":"dd9cea25-1234-4321-9999-0123456789ab","uid":"3ee209b8-36c0-4d51"}',
        '{"id":"FARTCOIN,RAYDIUM,9BB6NFECJBCTNNLFKO2FQVQBQ8HHM13KCYYCDQBGPUMP-USD"}',
        '{"id":"014f495a0000000200000005","s":"\\u5e01\\u5b89USDT","x":"币安人生USDT"}',
        '{"value":1234567890123456789012345678901234567890}',
        '{"value":"0.1234567890123456789012345678901234567890"}',
        '[91,[["pos",143683674,1593522802742,null,"tBTCF0:USTF0",0.00268657,9135.97]]]',
        '{"cut": "off',
        '}]",:{[',
        "",
    ],
)
def test_what_is_no_account_stays_to_the_byte(pseudonyms: Pseudonyms, frame: str) -> None:
    assert pseudonyms.replace(frame) == frame
    assert len(pseudonyms) == 0


def test_an_account_has_one_pseudonym_however_it_is_written(pseudonyms: Pseudonyms) -> None:
    first = orjson.loads(pseudonyms.replace(f'{{"user":"{ADDRESS}"}}'))["user"]
    upper = ADDRESS.upper().replace("0X", "0x")
    again = orjson.loads(pseudonyms.replace(f'{{"a":["{ADDRESS}","{upper}"],"u":"{VAULT}"}}'))
    assert again["a"][0] == first
    assert again["a"][1].lower() == first
    assert again["u"] == VAULT
    assert re.fullmatch("0x[0-9a-f]{40}", first)


def test_two_accounts_never_share_a_pseudonym(pseudonyms: Pseudonyms) -> None:
    frame = orjson.dumps({"account_ids": list(range(1000))}).decode()
    replaced = orjson.loads(pseudonyms.replace(frame))["account_ids"]
    assert len(set(replaced)) == 1000
    assert all(number >= 100_000 for number in replaced)


def test_a_large_number_stays_an_integer_for_json_readers(pseudonyms: Pseudonyms) -> None:
    replaced = orjson.loads(pseudonyms.replace('{"account_id":18446744073709551615}'))
    assert type(replaced["account_id"]) is int
