"""The `rates` header of frames: who gets which rates, how old, and how often it is encoded."""

from decimal import Decimal

import orjson
import pytest

from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.live import rates as rates_module
from liq.producers.live.rates import RateHeaders
from liq.schemas.codec import DecodeError
from liq.schemas.dollars import USD_LIKE
from liq.schemas.frame_rates import MAX_RATES, decode_frame_rates, encode_frame_rates
from liq.schemas.records import Rate
from tests.support.venue_fixtures import fixture_paths

NOW_MS = 1_790_000_000_000


def rate(currency: str, usd: str, timestamp_ms: int = NOW_MS) -> Rate:
    return Rate(currency=currency, usd=Decimal(usd), timestamp_ms=timestamp_ms, source="events")


def headers(*known: Rate) -> RateHeaders:
    made = RateHeaders()
    for one in known:
        made.update(one)
    return made


def text(of: RateHeaders, *needs: str, at_ms: int = NOW_MS) -> bytes:
    return of.header(needs, at_ms * 1_000_000)


def test_a_feed_gets_the_rates_that_it_needs_with_their_ages_in_seconds() -> None:
    known = headers(rate("BTC", "64000.5", NOW_MS - 20_417), rate("EUR", "1.08"), rate("ETH", "1"))
    assert text(known, "BTC", "EUR") == b"BTC=64000.5@20000,EUR=1.08@0"
    assert text(known) == b""
    assert text(known, "BTC", at_ms=NOW_MS + 1_999) == b"BTC=64000.5@21000"


def test_every_feed_gets_a_coin_that_is_off_its_peg_and_none_that_is_on_it() -> None:
    known = headers(rate("USDT", "0.97"), rate("USDC", "0.9999"), rate("BTC", "64000"))
    assert text(known) == b"USDT=0.97@0"
    assert text(known, "BTC") == b"BTC=64000@0,USDT=0.97@0"
    known.update(rate("USDT", "1.001", NOW_MS + 1))
    assert text(known) == b""


def test_the_newest_rate_counts() -> None:
    known = headers(rate("BTC", "64000"), rate("BTC", "1", NOW_MS - 1))
    assert text(known, "BTC") == b"BTC=64000@0"
    known.update(rate("BTC", "65000", NOW_MS + 400))
    assert text(known, "BTC", at_ms=NOW_MS + 500) == b"BTC=65000@0"


def test_a_rate_of_a_clock_that_was_ahead_does_not_stand_in_the_way_of_later_ones() -> None:
    known = headers(rate("BTC", "64000"), rate("BTC", "64001", NOW_MS + 86_400_000))
    assert text(known, "BTC", at_ms=NOW_MS + 1_000) == b""
    known.update(rate("BTC", "64002", NOW_MS + 60_000))
    assert text(known, "BTC", at_ms=NOW_MS + 60_000) == b"BTC=64002@0"


@pytest.mark.parametrize("age_ms", [-5_001, 86_401_000])
def test_a_rate_of_another_time_is_not_stamped(age_ms: int) -> None:
    assert text(headers(rate("BTC", "1", NOW_MS - age_ms)), "BTC") == b""


def test_a_text_is_encoded_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    encodings = 0

    def counted(rates: object) -> str:
        nonlocal encodings
        encodings += 1
        return encode(rates)  # type: ignore[arg-type]  # passed on as it came

    encode = encode_frame_rates
    known = headers(rate("BTC", "64000"))
    monkeypatch.setattr(rates_module, "encode_frame_rates", counted)
    for millisecond in range(3_000):
        text(known, "BTC", at_ms=NOW_MS + millisecond)
    assert encodings == 3


def test_rates_that_have_no_form_as_a_header_or_are_too_many_are_refused() -> None:
    known = headers()
    for bad in (rate("btc", "1"), rate("BTC", "0"), rate("BTC", "-1"), rate("", "1")):
        with pytest.raises(DecodeError):
            known.update(bad)
    for number in range(MAX_RATES):
        known.update(rate(f"C{number}", "1"))
    with pytest.raises(DecodeError, match="one currency too many"):
        known.update(rate("BTC", "1"))
    assert len(list(known.known())) == MAX_RATES


def test_every_feed_asks_for_the_rates_that_its_fixtures_use() -> None:
    needs = {(feed.exchange, feed.name): feed.needs_rates for feed in ALL_FEEDS}
    used = 0
    for path in fixture_paths():
        fixture = orjson.loads(path.read_bytes())
        for currency in decode_frame_rates(fixture.get("rates", "")):
            if currency not in USD_LIKE:
                used += 1
                assert currency in needs[fixture["exchange"], fixture["feed"]], path
    assert used > 3
