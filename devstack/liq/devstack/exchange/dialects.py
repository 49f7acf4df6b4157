"""What each exchange says, from its documentation, written apart from the producers' own modules.

A dialect answers a client's message and makes data frames; number `n` makes each one different.
"""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

START_MS = 1_783_000_000_000


@dataclass(frozen=True)
class Answer:
    """Replies to one message, and what was subscribed by it."""

    replies: list[Any] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)


Respond = Callable[[Any, frozenset[str]], Answer]
Frame = Callable[[str, int], Any]


@dataclass(frozen=True)
class Dialect:
    """How one feed of an exchange talks.

    `respond` gets a parsed message (text if it is not JSON) and the names to refuse. `symbol` is
    what `frame` makes data of if nothing else is said, and the record key of it. `subscribes` is
    a name that is subscribed for it. `list_markets` makes what REST answers about some symbols,
    beside a market that does not trade where the exchange lists such. `hello` is sent on
    connecting; a `client_ping` is answered with something like `client_pong`, and a `server_ping`
    has to be answered with `server_pong`.
    """

    exchange: str
    feed: str
    setting: str
    respond: Respond
    frame: Frame
    symbol: str
    subscribes: str
    hello: tuple[Any, ...] = ()
    listing_setting: str = ""
    list_markets: Callable[[Sequence[str]], Any] | None = None
    client_ping: Any = None
    client_pong: Any = None
    server_ping: Any = None
    server_pong: Any = None
    is_gzipped: bool = False

    def encode(self, message: Any) -> bytes | str:
        """A message as it goes over the wire: text frames, or gzip in binary ones."""
        text = message if isinstance(message, str) else json.dumps(message)
        return gzip.compress(text.encode()) if self.is_gzipped else text


def _binance(message: Any, refused: frozenset[str]) -> Answer:
    if message["method"] != "SUBSCRIBE":
        return Answer()
    if refused & set(message["params"]):
        error = {"error": {"code": 2, "msg": "Invalid request"}, "id": message["id"]}
        return Answer([error])
    return Answer([{"result": None, "id": message["id"]}], message["params"])


def _binance_frame(symbol: str, n: int) -> Any:
    time_ms = START_MS + n
    order = {
        "s": symbol, "S": "SELL" if n % 2 else "BUY", "o": "LIMIT", "f": "IOC", "q": "0.014",
        "p": "60000", "ap": "60100", "X": "FILLED", "l": "0.014", "z": "0.014", "T": time_ms,
    }  # fmt: skip
    return {"e": "forceOrder", "E": time_ms + 5, "o": order}


def _bybit(message: Any, refused: frozenset[str]) -> Answer:
    if message["op"] == "ping":
        return Answer([{"success": True, "ret_msg": "pong", "conn_id": "x", "op": "ping"}])
    names = [topic.removeprefix("allLiquidation.") for topic in message["args"]]
    reply = {"success": True, "ret_msg": "", "conn_id": "x", "req_id": message["req_id"]}
    if refused & set(names):
        return Answer([{**reply, "success": False, "ret_msg": "bad topic", "op": "subscribe"}])
    return Answer([{**reply, "op": "subscribe"}], names)


def _bybit_frame(symbol: str, n: int) -> Any:
    row = {"T": START_MS + n, "s": symbol, "S": "Buy", "v": "0.5", "p": "60000.5"}
    return {
        "topic": f"allLiquidation.{symbol}", "type": "snapshot", "ts": START_MS + n, "data": [row]
    }  # fmt: skip


def _bybit_markets(symbols: Sequence[str]) -> Any:
    rows = [{"symbol": symbol, "status": "Trading"} for symbol in symbols]
    rows.append({"symbol": "OLDUSDT", "status": "Closed"})
    return {"result": {"list": rows, "nextPageCursor": ""}}


def _okx(message: Any, refused: frozenset[str]) -> Answer:
    if message == "ping":
        return Answer(["pong"])
    if message == "pong":
        return Answer()
    names = [argument["instType"] for argument in message["args"]]
    bad = [name for name in names if name in refused]
    if bad:
        return Answer([{"event": "error", "code": "60018", "msg": "no such channel"}])
    replies = [{"event": "subscribe", "arg": a, "connId": "x"} for a in message["args"]]
    return Answer(replies, names)


def _okx_frame(symbol: str, n: int) -> Any:
    detail = {"side": "buy", "posSide": "short", "bkPx": "60000", "sz": "39", "bkLoss": "0",
              "ccy": "", "ts": str(START_MS + n)}  # fmt: skip
    data = {"instId": symbol, "instFamily": "BTC-USDT", "uly": "BTC-USDT", "instType": "SWAP",
            "details": [detail]}  # fmt: skip
    return {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [data]}


def _hyperliquid(message: Any, refused: frozenset[str]) -> Answer:
    if message["method"] == "ping":
        return Answer([{"channel": "pong"}])
    subscription = message["subscription"]
    name = subscription.get("user") or subscription["coin"]
    if name in refused:
        return Answer([{"channel": "error", "data": f"Invalid subscription {subscription}"}])
    reply = {"method": "subscribe", "subscription": {**subscription, "aggregateByTime": False}}
    return Answer([{"channel": "subscriptionResponse", "data": reply}], [name])


def _hyperliquid_frame(symbol: str, n: int) -> Any:
    fill = {"coin": symbol, "px": "60000.0", "sz": "0.1", "side": "B", "time": START_MS + n,
            "dir": "Liquidated Cross Long", "tid": n, "oid": n}  # fmt: skip
    user = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
    return {"channel": "userFills", "data": {"user": user, "fills": [fill]}}


def _deribit(message: Any, refused: frozenset[str]) -> Answer:
    reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "public/set_heartbeat":
        return Answer([{**reply, "result": "ok"}])
    if message["method"] == "public/test":
        return Answer([{**reply, "result": {"version": "1.2.26"}}])
    accepted = [name for name in message["params"]["channels"] if name not in refused]
    return Answer([{**reply, "result": accepted}], accepted)


def _deribit_frame(symbol: str, n: int) -> Any:
    trade = {"trade_id": str(n), "timestamp": START_MS + n, "price": 60000.5, "amount": 10,
             "instrument_name": symbol, "direction": "sell", "liquidation": "T"}  # fmt: skip
    params = {"channel": "trades.future.any.100ms", "data": [trade]}
    return {"jsonrpc": "2.0", "method": "subscription", "params": params}


def _bitmex(message: Any, refused: frozenset[str]) -> Answer:
    if message == "ping":
        return Answer(["pong"])
    if refused & set(message["args"]):
        return Answer([{"status": 400, "error": "Unknown table", "request": message}])
    replies = [{"success": True, "subscribe": a, "request": message} for a in message["args"]]
    return Answer(replies, message["args"])


def _bitmex_frame(symbol: str, n: int) -> Any:
    row = {"orderID": f"order-{n}", "symbol": symbol, "side": "Buy", "price": 60000,
           "leavesQty": 100}  # fmt: skip
    return {"table": "liquidation", "action": "insert", "data": [row]}


def _bitfinex(message: Any, refused: frozenset[str]) -> Answer:
    key = message["key"]
    if key in refused:
        return Answer([{"event": "error", "msg": "key: invalid", "code": 10300}])
    reply = {"event": "subscribed", "channel": "status", "chanId": 91, "key": key}
    return Answer([reply, [91, "hb"]], [key])


def _bitfinex_frame(symbol: str, n: int) -> Any:
    row = ["pos", n, START_MS + n, None, symbol, 0.5, 60000, None, 1, 1, None, 59000]
    return [91, [row]]


def _gate(message: Any, refused: frozenset[str]) -> Answer:
    if message["channel"] == "futures.ping":
        return Answer([{"time": message["time"], "channel": "futures.pong", "event": ""}])
    reply = {key: message[key] for key in ("time", "channel", "event", "id")}
    if refused & set(message["payload"]):
        return Answer([{**reply, "error": {"code": 2, "message": "invalid argument"}}])
    return Answer([{**reply, "error": None, "result": {"status": "success"}}], message["payload"])


def _gate_frame(symbol: str, n: int) -> Any:
    row = {"price": 215.1, "size": "-124", "time_ms": START_MS + n, "contract": symbol}
    return {"channel": "futures.public_liquidates", "event": "update", "result": [row]}


def _htx(message: Any, refused: frozenset[str]) -> Answer:
    if message["op"] == "pong":
        return Answer()
    topic = message["topic"]
    reply = {"op": "sub", "cid": message["cid"], "topic": topic, "ts": 1, "err-code": 0}
    if topic in refused:
        return Answer([{**reply, "err-code": 2005, "err-msg": "bad topic"}])
    return Answer([reply], [topic])


def _htx_frame(symbol: str, n: int) -> Any:
    row = {"symbol": "BTC", "contract_code": symbol, "direction": "sell", "offset": "close",
           "volume": 227.0, "price": 23350.5, "created_at": START_MS + n, "amount": 0.227,
           "trade_turnover": 5300.5635}  # fmt: skip
    return {"op": "notify", "topic": f"public.{symbol}.liquidation_orders", "data": [row]}


def _kraken(message: Any, refused: frozenset[str]) -> Answer:
    names = message["product_ids"]
    if refused & set(names):
        return Answer([{"event": "alert", "message": "Bad request"}])
    return Answer([{"event": "subscribed", "feed": "trade", "product_ids": names}], names)


def _kraken_markets(symbols: Sequence[str]) -> Any:
    return {"instruments": [{"symbol": symbol, "tradeable": True} for symbol in symbols]}


def _kraken_frame(symbol: str, n: int) -> Any:
    return {"feed": "trade", "product_id": symbol, "uid": f"u{n}", "side": "sell",
            "type": "liquidation", "seq": n, "time": START_MS + n, "qty": 100,
            "price": 60000}  # fmt: skip


def _dydx(message: Any, refused: frozenset[str]) -> Answer:
    name = message["id"]
    if name in refused:
        return Answer([{"type": "error", "message": f"Invalid subscription id {name}"}])
    # The acknowledgement carries data; `exchange.py` counts it in its ledger.
    reply = {"type": "subscribed", "channel": "v4_trades", "id": name, "contents": {"trades": []}}
    return Answer([reply], [name])


def _dydx_markets(symbols: Sequence[str]) -> Any:
    trading = {symbol: {"status": "ACTIVE"} for symbol in symbols}
    return {"markets": {**trading, "X": {"status": "PAUSED"}}}


def _dydx_frame(symbol: str, n: int) -> Any:
    trade = {"id": f"t{n}", "side": "SELL", "size": "3.9", "price": "22.87", "type": "LIQUIDATED",
             "createdAt": "2026-07-04T07:34:50.628Z"}  # fmt: skip
    return {"type": "channel_data", "channel": "v4_trades", "id": symbol,
            "contents": {"trades": [trade]}}  # fmt: skip


def _bitget(message: Any, refused: frozenset[str]) -> Answer:
    if message == "ping":
        return Answer(["pong"])
    replies, subscribed = [], []
    for argument in message["args"]:
        if argument["instType"] in refused:
            replies.append({"event": "error", "arg": argument, "code": 30001, "msg": "no"})
        else:
            replies.append({"event": "subscribe", "arg": argument})
            subscribed.append(argument["instType"])
    return Answer(replies, subscribed)


def _bitget_frame(symbol: str, n: int) -> Any:
    row = {"symbol": symbol, "side": "buy", "price": "0.1649", "amount": "13.70319",
           "ts": str(START_MS + n)}  # fmt: skip
    argument = {"instType": "usdt-futures", "topic": "liquidation"}
    return {"action": "update", "arg": argument, "data": [row], "ts": START_MS + n}


def _lighter(message: Any, refused: frozenset[str]) -> Answer:
    if message["type"] == "ping":
        return Answer([{"type": "pong"}])
    if message["type"] == "pong":
        return Answer()
    name = message["channel"].removeprefix("trade/")
    if name in refused:
        return Answer([{"error": {"code": 30003, "message": "Invalid Channel"}}])
    reply = {"type": "subscribed/trade", "channel": f"trade:{name}", "trades": []}
    return Answer([reply], [name])


def _lighter_markets(symbols: Sequence[str]) -> Any:
    return {"order_books": [{"market_id": int(each), "status": "active"} for each in symbols]}


def _lighter_frame(symbol: str, n: int) -> Any:
    row = {"trade_id_str": str(n), "size": "0.1", "price": "60000", "type": "liquidation",
           "timestamp": START_MS + n}  # fmt: skip
    return {"type": "update/trade", "channel": f"trade:{symbol}", "liquidation_trades": [row]}


def _pacifica(message: Any, refused: frozenset[str]) -> Answer:
    if message["method"] == "ping":
        return Answer([{"channel": "pong"}])
    name = message["params"]["symbol"]
    if name in refused:
        return Answer([{"channel": "error", "error": "no such symbol"}])
    return Answer([{"channel": "subscribe", "data": message["params"]}], [name])


def _pacifica_markets(symbols: Sequence[str]) -> Any:
    return {"data": [{"symbol": symbol} for symbol in symbols]}


def _pacifica_frame(symbol: str, n: int) -> Any:
    row = {"s": symbol, "a": "0.1", "p": "60000", "d": "close_long", "tc": "market_liquidation",
           "t": START_MS + n, "h": n}  # fmt: skip
    return {"channel": "trades", "data": [row]}


def _binance_like(exchange: str, feed: str, setting: str, symbol: str) -> Dialect:
    return Dialect(
        exchange, feed, setting, _binance, _binance_frame, symbol, "!forceOrder@arr",
    )  # fmt: skip


def _bybit_like(feed: str, symbol: str) -> Dialect:
    return Dialect(
        "bybit", feed, f"BYBIT_{feed.upper()}_WS_URL", _bybit, _bybit_frame, symbol, symbol,
        listing_setting=f"BYBIT_{feed.upper()}_SYMBOLS_URL", list_markets=_bybit_markets,
        client_ping={"op": "ping"}, client_pong={"ret_msg": "pong"},
    )  # fmt: skip


def _htx_like(feed: str, symbol: str) -> Dialect:
    return Dialect(
        "htx", feed, f"HTX_{feed.upper()}_WS_URL", _htx, _htx_frame, symbol,
        "public.*.liquidation_orders", is_gzipped=True,
        server_ping={"op": "ping", "ts": "1600000000"},
        server_pong={"op": "pong", "ts": "1600000000"},
    )  # fmt: skip


DIALECTS = (
    _binance_like("binance", "usdm", "BINANCE_USDM_WS_URL", "BTCUSDT"),
    _binance_like("binance", "coinm", "BINANCE_COINM_WS_URL", "BTCUSD_PERP"),
    _binance_like("aster", "usdm", "ASTER_WS_URL", "BTCUSDT"),
    _bybit_like("linear", "BTCUSDT"),
    _bybit_like("inverse", "BTCUSD"),
    Dialect("okx", "public", "OKX_WS_URL", _okx, _okx_frame, "BTC-USDT-SWAP", "SWAP",
            client_ping="ping", client_pong="pong", server_ping="ping", server_pong="pong"),
    Dialect("hyperliquid", "userFills", "HYPERLIQUID_WS_URL", _hyperliquid, _hyperliquid_frame,
            "BTC", "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",
            client_ping={"method": "ping"}, client_pong={"channel": "pong"}),
    Dialect("deribit", "trades", "DERIBIT_WS_URL", _deribit, _deribit_frame, "BTC-PERPETUAL",
            "trades.future.any.100ms",
            server_ping={"jsonrpc": "2.0", "method": "heartbeat",
                         "params": {"type": "test_request"}},
            server_pong={"jsonrpc": "2.0", "id": 0, "method": "public/test", "params": {}}),
    Dialect("bitmex", "liquidation", "BITMEX_WS_URL", _bitmex, _bitmex_frame, "XBTUSD",
            "liquidation", hello=({"info": "Welcome", "version": "2.0.0"},),
            client_ping="ping", client_pong="pong"),
    Dialect("bitfinex", "status", "BITFINEX_WS_URL", _bitfinex, _bitfinex_frame, "tBTCF0:USTF0",
            "liq:global", hello=({"event": "info", "version": 2},)),
    Dialect("gate", "usdt", "GATE_USDT_WS_URL", _gate, _gate_frame, "BTC_USDT", "!all"),
    Dialect("gate", "btc", "GATE_BTC_WS_URL", _gate, _gate_frame, "BTC_USD", "!all"),
    _htx_like("linear", "BTC-USDT"),
    _htx_like("inverse", "BTC-USD"),
    _htx_like("futures", "BTC200703"),
    Dialect("kraken", "trade", "KRAKEN_WS_URL", _kraken, _kraken_frame, "PI_XBTUSD", "PI_XBTUSD",
            hello=({"event": "info", "version": 1},), listing_setting="KRAKEN_SYMBOLS_URL",
            list_markets=_kraken_markets),
    Dialect("dydx", "trades", "DYDX_WS_URL", _dydx, _dydx_frame, "BTC-USD", "BTC-USD",
            hello=({"type": "connected", "connection_id": "x"},),
            listing_setting="DYDX_SYMBOLS_URL",
            list_markets=_dydx_markets),
    Dialect("bitget", "liquidation", "BITGET_WS_URL", _bitget, _bitget_frame, "BTCUSDT",
            "usdt-futures", client_ping="ping", client_pong="pong"),
    Dialect("lighter", "trade", "LIGHTER_WS_URL", _lighter, _lighter_frame, "1", "1",
            hello=({"type": "connected"},), listing_setting="LIGHTER_SYMBOLS_URL",
            list_markets=_lighter_markets,
            client_ping={"type": "ping"}, client_pong={"type": "pong"},
            server_ping={"type": "ping"}, server_pong={"type": "pong"}),
    Dialect("pacifica", "trades", "PACIFICA_WS_URL", _pacifica, _pacifica_frame, "BTC", "BTC",
            listing_setting="PACIFICA_SYMBOLS_URL", list_markets=_pacifica_markets,
            client_ping={"method": "ping"}, client_pong={"channel": "pong"}),
)  # fmt: skip


def dialect(exchange: str, feed: str) -> Dialect:
    """The dialect of a feed."""
    [found] = [each for each in DIALECTS if (each.exchange, each.feed) == (exchange, feed)]
    return found
