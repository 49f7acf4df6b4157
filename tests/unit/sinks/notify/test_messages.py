"""Messages: pure, truthful and harmless."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from liq.schemas.codec import encode
from liq.schemas.generate import DIRECTORY
from liq.schemas.records import CascadeEstimate, CascadePrice
from liq.schemas.vocabulary import PriceKind
from liq.sinks.notify.messages import compose
from liq.sinks.notify.notices import Kind, read_notice
from tests.support import sample_records
from tests.support.notify_rules import alert, market, notice

PRICE = CascadePrice(
    kind=PriceKind.FILL,
    exchange="okx",
    symbol="BTC-USDT",
    first=Decimal("61000.5"),
    first_ms=1,
    now=Decimal(60000),
    now_ms=2,
    move_bps=-164.0,
)
ESTIMATE = CascadeEstimate(
    value_usd=Decimal(1_900_000), low_usd=Decimal(1_300_000), high_usd=Decimal(2_600_000)
)
EXAMPLES = sorted((DIRECTORY / "examples").glob("CascadeAlert.*.json"))
HOSTILE = (
    "<b>x</b>",
    "@everyone",
    "[a](http://evil.com)",
    "*_`~",
    "\x1b[2J",
    "a\r\nb: c",
    "evil.com",
)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_stored_alert_gives_the_same_message_twice(path: Path) -> None:
    document = path.read_bytes()
    first, again = (compose(read_notice(Kind.ALERT, document), rule="r") for _ in range(2))
    assert first == again
    body = orjson.loads(first.body)
    assert body["data"]["record"] == orjson.loads(document)
    assert body["type"].startswith("cascade.")
    assert first.text == body["data"]["text"] != ""


def test_a_message_says_who_what_how_much_and_how_far() -> None:
    record = alert(price=PRICE, estimate=ESTIMATE, blind=("okx", "<b>:coinm"))
    message = compose(notice(record), rule="r", link="https://x.example/{cascade_id}")
    assert message.title == "BTC longs: cascade started (major)"
    assert "$1.23M" in message.text
    assert "61,000.5 to 60,000 (-1.64%)" in message.text
    assert "In truth $1.30M to $2.60M, by estimate." in message.text
    assert "Blind: okx, \uff1cb\uff1e\uff1acoinm." in message.text
    assert message.text.endswith("https://x.example/c")


def test_prices_of_two_kinds_are_not_compared() -> None:
    assert "Price" not in compose(notice(alert()), rule="r").text


def test_a_market_s_message_names_what_it_stands_for() -> None:
    children = [alert("one", "1", asset="BTC"), alert("two", "2", asset="ETH")]
    message = compose(notice(market("m")), rule="r", folded=children)
    assert message.text.endswith("With it: BTC longs, ETH longs.")
    assert [part["id"] for part in orjson.loads(message.body)["data"]["folded"]] == ["one", "two"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_reach_no_text(text: str) -> None:
    feed = replace(sample_records.feed_status(), exchange=text, feed=text, detail=text)
    event = replace(sample_records.liquidation(), base=text, exchange=text)
    found = [
        compose(notice(alert(asset=text, exchanges=(text,))), rule="r", template="{asset}{venues}"),
        compose(notice(alert(asset=text)), rule="r", folded=[alert("one", asset=text)]),
        compose(read_notice(Kind.FEED, encode(feed)), rule="r"),
        compose(read_notice(Kind.LIQUIDATION, encode(event)), rule="r"),
    ]
    for message in found:
        assert text not in message.text + message.title
        assert not set("<>[]@*_`~\x1b\r") & set(message.text + message.title)
        assert "\n" not in message.title


def test_a_hostile_id_goes_into_no_header_and_no_address() -> None:
    record = alert(name="a\r\nX: y", cascade_id="../../?x=<y>")
    message = compose(notice(record), rule="r", link="https://x.example/{cascade_id}")
    assert message.id.isalnum()
    assert message.text.endswith("https://x.example/..%2F..%2F%3Fx%3D%3Cy%3E")


def test_a_template_names_what_it_wants() -> None:
    template = "{asset} {side} {level} {dollars} {price}"
    message = compose(notice(alert()), rule="r", template=template)
    assert message.text == "BTC long major $1.23M"
