"""The declarations of exchanges: addresses, readers that survive anything, settings."""

import gzip
import json
import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.devstack.exchange.dialect import Dialect
from liq.devstack.exchange.registry import DIALECTS
from liq.producers.feeds import DATA, FeedSpec
from liq.producers.feeds.frames import MAX_FRAME_BYTES, FrameTooLargeError, gunzip
from liq.producers.feeds.record_key import message_key
from liq.producers.feeds.registry import ALL_FEEDS, FEEDS, producible_exchanges
from liq.producers.feeds.settings import choose_targets, feed_settings, resolve_targets
from liq.producers.feeds.shards import Shard
from liq.runtime.errors import ConfigurationError
from liq.runtime.redaction import without_logins
from tests.support.paths import ROOT

words = st.sampled_from(
    ("op", "event", "channel", "type", "id", "result", "error", "data", "method", "topic", "arg",
     "sub", "subscribe", "subscribed", "ping", "params", "success", "req_id", "key", 0, 1)
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words.map(str), inner, max_size=5),
)


def test_there_are_the_exchanges_that_the_readme_names() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sentence = re.search(r"live connections of `liq produce` to\s+([^.;]*)[.;]", readme)
    assert sentence is not None
    assert sorted(re.split(r",\s+|\s+and\s+", sentence[1].lower())) == list(producible_exchanges())


@pytest.mark.parametrize("feed", ALL_FEEDS, ids=lambda feed: feed.label)
def test_addresses_are_encrypted_and_settings_are_shouted(feed: FeedSpec) -> None:
    assert feed.address.startswith("wss://")
    assert feed.address_setting == feed.address_setting.upper()
    assert feed.address_setting.endswith("_WS_URL")
    assert feed.address_setting.startswith(feed.exchange.upper())


def test_binance_uses_the_path_of_market_streams() -> None:
    assert FEEDS["binance"][0].address == "wss://fstream.binance.com/market/ws"


@given(st.sampled_from(ALL_FEEDS), json_values)
def test_readers_raise_only_what_the_connection_takes_for_data(
    feed: FeedSpec, value: object
) -> None:
    try:
        feed.read(value)
    except (ValueError, LookupError, TypeError, AttributeError):
        return


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: f"{d.exchange}.{d.feed}")
def test_data_is_data_with_its_symbol_and_control_is_not(dialect: Dialect) -> None:
    [feed] = [f for f in FEEDS[dialect.exchange] if f.name == dialect.feed]
    frame = dialect.frame(dialect.symbol, 1)
    assert feed.read(frame) is DATA
    assert message_key(feed.exchange, feed.symbol_of, frame) == dialect.symbol.encode()
    for message in (*dialect.hello, dialect.client_pong, dialect.server_ping):
        if isinstance(message, str):
            assert not feed.texts[message.encode()].is_data
        elif message is not None:
            assert not feed.read(message).is_data
    if dialect.client_ping is not None:
        text = feed.heartbeat.text
        assert isinstance(text, str)
        sent = text if text == dialect.client_ping else orjson.loads(text)
        assert sent == dialect.client_ping


def test_settings_replace_addresses_and_names() -> None:
    environment = {
        "BYBIT_LINEAR_WS_URL": "ws://127.0.0.1:9/x",
        "BYBIT_LINEAR_SYMBOLS": "BTCUSDT, ETHUSDT",
        "HYPERLIQUID_TRADES_COINS": "BTC",
    }
    linear, inverse = resolve_targets(FEEDS["bybit"], environment)
    assert (linear.address, linear.names) == ("ws://127.0.0.1:9/x", ("BTCUSDT", "ETHUSDT"))
    assert inverse.names is None
    assert [t.feed.name for t in resolve_targets(FEEDS["hyperliquid"], environment)] == [
        "userFills",
        "trades",
        "tape",
    ]
    fills, tape = resolve_targets(FEEDS["hyperliquid"], {})
    assert (fills.feed.name, tape.feed.name, tape.names) == ("userFills", "tape", None)
    off = {"HYPERLIQUID_TAPE_COINS": "none", "HYPERLIQUID_USERS": "None"}
    assert resolve_targets(FEEDS["hyperliquid"], off) == ()


def test_sensors_fill_the_places_that_the_named_accounts_leave() -> None:
    def spare(**environment: str) -> int:
        return resolve_targets(FEEDS["hyperliquid"], environment)[0].spare

    assert spare() == 5
    assert spare(HYPERLIQUID_SENSORS="0") == 0
    assert spare(HYPERLIQUID_USERS=",".join("abcdefgh")) == 2
    assert spare(HYPERLIQUID_USERS=",".join("abcdefghijkl")) == 0
    for wrong in ("6", "-1", "five", "²"):
        with pytest.raises(ConfigurationError, match=f"HYPERLIQUID_SENSORS={wrong} is not"):
            spare(HYPERLIQUID_SENSORS=wrong)


def test_what_one_process_joins_belongs_to_one_shard() -> None:
    owners = [
        {target.feed.name for target in choose_targets(("hyperliquid", "bybit"), {}, shard)}
        for shard in (Shard(number, 3) for number in range(3))
    ]
    joined = [names & {"userFills", "tape"} for names in owners]
    assert sorted(map(len, joined)) == [0, 0, 2]
    assert all({"linear", "inverse"} <= names for names in owners)


def test_every_coin_of_every_exchange_is_listed_but_the_delisted() -> None:
    [tape] = [feed for feed in FEEDS["hyperliquid"] if feed.name == "tape"]
    assert tape.listing is not None
    assert tape.listing.next_bodies is not None
    exchanges = [None, {"name": "xyz", "deployer": "0x1"}, {"name": "flx"}]
    assert tape.listing.parse(exchanges) == ()
    assert tape.listing.next_bodies(exchanges) == (
        {"type": "meta"},
        {"type": "meta", "dex": "xyz"},
        {"type": "meta", "dex": "flx"},
    )
    universe = [{"name": "BTC"}, {"name": "OLD", "isDelisted": True}, {"name": "xyz:CRWV"}]
    assert tape.listing.parse({"universe": universe}) == ("BTC", "xyz:CRWV")
    assert tape.listing.next_bodies({"universe": universe}) == ()


KEY = "abcd-1234-KEY"
GOLDRUSH = {"HYPERLIQUID_GOLDRUSH_KEY": KEY}


def test_a_stream_with_a_key_is_on_and_its_key_is_told_to_nobody() -> None:
    *_, target = resolve_targets(FEEDS["hyperliquid"], GOLDRUSH)
    assert target.feed.name == "goldrush"
    assert target.with_key(target.address) == f"wss://hypercore.goldrushdata.com/ws?key={KEY}"
    assert KEY not in repr(target)
    assert KEY not in target.address
    assert without_logins(f"bad: {target.with_key(target.address)}, {KEY}").count(KEY) == 0
    [setting] = [each for each in feed_settings([target.feed]) if each.is_secret]
    assert (setting.name, setting.default) == ("HYPERLIQUID_GOLDRUSH_KEY", "")


def test_a_key_stands_beside_what_an_address_asks_already() -> None:
    *_, target = resolve_targets(FEEDS["hyperliquid"], {"HYPERLIQUID_HYDROMANCER_KEY": KEY})
    asked = target.with_key(target.address).partition("?")[2]
    assert asked == f"liveFormat=chunked-v1&token={KEY}"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"HYPERLIQUID_GOLDRUSH_KEY": "a b&c=12345"}, "HYPERLIQUID_GOLDRUSH_KEY is no key"),
        ({"HYPERLIQUID_GOLDRUSH_KEY": "short"}, "HYPERLIQUID_GOLDRUSH_KEY is no key"),
        (GOLDRUSH | {"HYPERLIQUID_GOLDRUSH_WS_URL": "ws://example.com/ws"}, "begin with wss"),
        ({"HYPERLIQUID_GOLDRUSH_WS_URL": "wss://example.com/ws"}, "needs HYPERLIQUID_GOLDRUSH_KEY"),
    ],
)
def test_what_is_no_key_is_a_sentence_without_it(
    environment: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        choose_targets(("hyperliquid",), environment)
    assert environment.get("HYPERLIQUID_GOLDRUSH_KEY", KEY) not in str(caught.value)


@pytest.mark.parametrize("text", ["http://x", "nonsense", "wss://"])
def test_a_wrong_address_is_a_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError, match="OKX_WS_URL"):
        choose_targets(("okx",), {"OKX_WS_URL": text})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BINANCE_WS_URL", "BINANCE_USDM_WS_URL"),
        ("BYBIT_LINEAR_SYMBOL_URL", "BYBIT_LINEAR_SYMBOLS_URL"),
        ("LIGHTER_MARKET", "LIGHTER_MARKETS"),
        ("OKX_WS_ULR", "OKX_WS_URL"),
    ],
)
def test_a_name_that_is_nearly_one_of_ours_is_refused(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is not a setting; .*{meant}?"):
        choose_targets(("okx",), {name: "anything"})


def test_other_programs_settings_are_left_alone() -> None:
    other = {"BINANCE_API_KEY": "x", "HYPERLIQUID_API_URL": "x", "KRAKEN_TESTNET": "1", "PATH": "/"}
    assert choose_targets(("okx",), other) == choose_targets(("okx",), {})


def test_every_setting_of_a_feed_is_told_with_its_default() -> None:
    told = {setting.name: setting for setting in feed_settings(ALL_FEEDS)}
    assert told["OKX_WS_URL"].default == "wss://ws.okx.com:8443/ws/v5/public"
    assert told["KRAKEN_SYMBOLS"].default == "every market"
    assert told["HYPERLIQUID_TRADES_COINS"].default == "none"
    for feed in ALL_FEEDS:
        assert feed.address_setting in told
        assert feed.names_setting in {None, *told}
        assert feed.listing is None or feed.listing.setting in told


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError, match="OKX_WS_URL") as refusal:
        choose_targets(("okx",), {"OKX_WS_URL": "wss://me:hunter2@example.com/ws"})
    assert "hunter2" not in str(refusal.value)


def test_an_unknown_exchange_is_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        choose_targets(("okx", "nowhere"), {})


def test_gunzip_takes_a_message_and_refuses_a_bomb() -> None:
    text = json.dumps({"op": "notify"}).encode()
    assert gunzip(gzip.compress(text)) == text
    assert len(gunzip(gzip.compress(bytes(MAX_FRAME_BYTES)))) == MAX_FRAME_BYTES
    with pytest.raises(FrameTooLargeError):
        gunzip(gzip.compress(bytes(MAX_FRAME_BYTES + 1)))
    for damaged in (b"", b"plain", gzip.compress(text)[:-9]):
        with pytest.raises(ValueError, match="gzip"):
            gunzip(damaged)
