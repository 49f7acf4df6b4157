"""One liquidation told by several parties and feeds: one id, one side, and no event of a non-event.

The cases are those of the venue: a sensor that is liquidated itself, auto-deleveraging, a vault
that is a maker, fills of both parties, repeated snapshots, and forged or absurd `liquidation`s.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liq.processors.normalizers import FrameMetadata, InstrumentBook, NormalizerConfig, normalize
from liq.processors.normalizers.venues.hyperliquid import LIQUIDATOR_VAULTS
from liq.producers.sensors import TradeJoin
from liq.producers.sensors.amounts import usd_of
from liq.schemas.records import Liquidation, Rejected
from liq.schemas.units import HOUR_MS
from liq.schemas.vocabulary import Arrival, Evidence, RejectReason, Side
from tests.support.sensor_trades import START_MS, Trade, account, public_trades, user_fills

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
VAULT = min(LIQUIDATOR_VAULTS)
VICTIM, MAKER = 1, 5
HIT = Trade(1, "BTC", VICTIM, MAKER, "A", 7)
REST = Trade(2, "BTC", VICTIM, 6, "A", 7)


def results_of(feed: str, message: Any) -> list[Liquidation | Rejected]:
    frame = message if isinstance(message, bytes) else orjson.dumps(message)
    metadata = FrameMetadata("hyperliquid", feed, START_MS)
    return list(normalize(frame, metadata, InstrumentBook(()), CONFIG))


def events_of(feed: str, message: Any) -> list[Liquidation]:
    results = results_of(feed, message)
    assert all(isinstance(result, Liquidation) for result in results)
    return [result for result in results if isinstance(result, Liquidation)]


def joined(proof: dict[str, Any], owner: str = account(MAKER)) -> dict[str, Any]:
    return {"owner": owner, "proof": proof, "trades": [REST.public()]}


def test_every_party_and_feed_gives_the_same_event() -> None:
    own, makers = HIT.fill(of_taker=True), HIT.fill(of_taker=False)
    told = [
        *events_of("userFills", user_fills(VICTIM, [own])),
        *events_of("userFills", user_fills(MAKER, [makers])),
        *events_of("nodeFills", [account(VICTIM), own]),
        *events_of("nodeFills", {"events": [[account(VICTIM), own], [account(MAKER), makers]]}),
        *events_of(
            "goldrush",
            {
                "channel": "liquidationFills",
                "fills": [[account(MAKER), makers], [account(VICTIM), own]],
            },
        ),
        *events_of(
            "hydromancer", {"type": "liquidationFills", "fills": [[account(MAKER), makers]]}
        ),
    ]
    assert len(told) == 6
    assert len({event.event_id for event in told}) == 1
    assert {event.side for event in told} == {Side.LONG}
    assert {event.liquidated_user for event in told} == {account(VICTIM)}
    # The rest of the order, joined, has the id that the node gives it.
    [rest] = events_of("joinedTrades", joined(makers))
    [of_node] = events_of("nodeFills", [account(VICTIM), REST.fill(of_taker=True)])
    assert (rest.event_id, rest.side) == (of_node.event_id, of_node.side)
    assert (rest.evidence, of_node.evidence) == (Evidence.INFERRED, Evidence.REPORTED)


def test_a_vault_that_is_the_maker_shows_the_side_of_the_victim() -> None:
    fill = HIT.fill(of_taker=False)
    frame = {"channel": "userFills", "data": {"user": VAULT, "fills": [fill]}}
    [event] = events_of("userFills", frame)
    assert (event.side, event.liquidated_user) == (Side.LONG, account(VICTIM))
    join = TradeJoin()
    join.add_trades(public_trades([HIT, REST]), 0)
    [found] = join.add_fills(orjson.dumps(frame), 1)
    [rest] = events_of("joinedTrades", found.messages()[0])
    assert rest.side is Side.LONG


def test_a_sensor_that_is_liquidated_itself_shows_its_own_side() -> None:
    frame = user_fills(VICTIM, [HIT.fill(of_taker=True)])
    [event] = events_of("userFills", frame)
    assert (event.side, event.liquidated_user) == (Side.LONG, account(VICTIM))
    join = TradeJoin()
    join.add_fills(frame, 0)
    [found] = join.add_trades(public_trades([HIT, REST]), 1)
    [rest] = events_of("joinedTrades", found.messages()[0])
    assert (rest.side, rest.liquidated_user) == (Side.LONG, account(VICTIM))


def test_a_snapshot_after_each_subscription_repeats_its_ids() -> None:
    snapshot = orjson.loads(user_fills(MAKER, [HIT.fill(of_taker=False)]))
    snapshot["data"]["isSnapshot"] = True
    ids = [event.event_id for _ in range(3) for event in events_of("userFills", snapshot)]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    join = TradeJoin()
    join.add_fills(orjson.dumps(snapshot), 0)
    [found] = join.add_trades(public_trades([REST]), 1)
    join.add_fills(orjson.dumps(snapshot), 2)
    assert join.add_trades(public_trades([REST]), 3) == []
    assert len(found.trades) == 1


@pytest.mark.parametrize(
    ("is_snapshot", "age_ms", "arrival"),
    [
        (True, HOUR_MS, Arrival.LIVE),
        (True, HOUR_MS + 1, Arrival.BACKFILLED),
        (False, HOUR_MS + 1, Arrival.LIVE),
    ],
)
def test_a_newly_followed_account_s_old_fills_are_history(
    *, is_snapshot: bool, age_ms: int, arrival: Arrival
) -> None:
    message = orjson.loads(user_fills(MAKER, [HIT.fill(of_taker=False)]))
    message["data"]["isSnapshot"] = is_snapshot
    metadata = FrameMetadata("hyperliquid", "userFills", START_MS + age_ms)
    [event] = normalize(orjson.dumps(message), metadata, InstrumentBook(()), CONFIG)
    assert isinstance(event, Liquidation)
    assert event.arrival is arrival


@pytest.mark.parametrize("feed", ["nodeFills", "goldrush", "hydromancer"])
@pytest.mark.parametrize(
    ("age_ms", "arrival"), [(HOUR_MS, Arrival.LIVE), (HOUR_MS + 1, Arrival.BACKFILLED)]
)
@pytest.mark.parametrize("of_taker", [True, False])
def test_the_backlog_of_a_node_or_provider_is_history(
    feed: str, age_ms: int, arrival: Arrival, *, of_taker: bool
) -> None:
    owner = account(VICTIM if of_taker else MAKER)
    message = {"type": "liquidationFills", "fills": [[owner, HIT.fill(of_taker=of_taker)]]}
    metadata = FrameMetadata("hyperliquid", feed, START_MS + age_ms)
    [event] = normalize(orjson.dumps(message), metadata, InstrumentBook(()), CONFIG)
    assert isinstance(event, Liquidation)
    assert event.arrival is arrival


@pytest.mark.parametrize("is_block", [True, False])
def test_a_node_s_old_lines_are_history(*, is_block: bool) -> None:
    pair = [account(VICTIM), HIT.fill(of_taker=True)]
    metadata = FrameMetadata("hyperliquid", "nodeFills", START_MS + HOUR_MS + 1)
    frame = orjson.dumps({"events": [pair]} if is_block else pair)
    [event] = normalize(frame, metadata, InstrumentBook(()), CONFIG)
    assert isinstance(event, Liquidation)
    assert event.arrival is Arrival.BACKFILLED


MARKET = {"liquidatedUser": account(VICTIM), "markPx": "100", "method": "market"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dir": "Auto-Deleveraging"}, RejectReason.NOT_A_LIQUIDATION),
        ({"dir": "Open Short"}, RejectReason.CONTRADICTORY_SIDE),
        ({"dir": "Buy"}, RejectReason.CONTRADICTORY_SIDE),
        ({"crossed": True}, RejectReason.CONTRADICTORY_SIDE),
        ({"side": "C"}, RejectReason.INVALID_SIDE),
        ({"liquidation": None}, RejectReason.NOT_A_LIQUIDATION),
        ({"liquidation": MARKET | {"method": "backstop"}}, RejectReason.NOT_A_LIQUIDATION),
        ({"liquidation": MARKET | {"method": "magic"}}, RejectReason.UNKNOWN_MESSAGE),
        ({"liquidation": MARKET | {"liquidatedUser": account(0)}}, RejectReason.INVALID_SYMBOL),
        ({"liquidation": MARKET | {"liquidatedUser": "everybody"}}, RejectReason.INVALID_SYMBOL),
        ({"liquidation": MARKET | {"liquidatedUser": account(2)}}, RejectReason.NOT_A_LIQUIDATION),
    ],
)
def test_a_proof_that_is_none_joins_nothing(change: dict[str, Any], reason: RejectReason) -> None:
    proof = HIT.fill(of_taker=False) | change
    [rejected] = results_of("joinedTrades", joined(proof))
    assert isinstance(rejected, Rejected)
    assert rejected.reason is reason
    join = TradeJoin()
    join.add_fills(user_fills(MAKER, [proof]), 0)
    assert join.add_trades(public_trades([REST]), 1) == []


def owned(owner: str, fill: dict[str, Any]) -> dict[str, Any]:
    return {"channel": "userFills", "data": {"user": owner, "fills": [fill]}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"side": "B", "dir": "Open Long"}, RejectReason.CONTRADICTORY_SIDE),
        ({"dir": "Open Short"}, RejectReason.CONTRADICTORY_SIDE),
        ({"dir": "Long > Short"}, RejectReason.CONTRADICTORY_SIDE),
        ({"dir": "Settlement"}, RejectReason.CONTRADICTORY_SIDE),
        ({"dir": "Close Short"}, RejectReason.CONTRADICTORY_SIDE),
        ({"dir": "Liquidated Cross Short"}, RejectReason.CONTRADICTORY_SIDE),
        ({"dir": "Liquidated"}, RejectReason.CONTRADICTORY_SIDE),
        ({"crossed": False}, RejectReason.CONTRADICTORY_SIDE),
        ({"crossed": None}, RejectReason.CONTRADICTORY_SIDE),
        ({"side": "C"}, RejectReason.INVALID_SIDE),
        ({"dir": 7}, RejectReason.MISSING_FIELD),
    ],
)
def test_a_victim_s_own_fill_that_is_no_closing_order_shows_no_side(
    change: dict[str, Any], reason: RejectReason
) -> None:
    proof = HIT.fill(of_taker=True) | change
    for feed, message in [
        ("userFills", owned(account(VICTIM), proof)),
        ("nodeFills", [account(VICTIM), proof]),
        ("goldrush", {"channel": "liquidationFills", "fills": [[account(VICTIM), proof]]}),
        ("joinedTrades", joined(proof, account(VICTIM))),
    ]:
        [rejected] = results_of(feed, message)
        assert isinstance(rejected, Rejected)
        assert rejected.reason is reason


def test_a_maker_that_is_named_as_its_own_victim_shows_no_side() -> None:
    fill = HIT.fill(of_taker=False) | {"liquidation": MARKET | {"liquidatedUser": account(MAKER)}}
    [rejected] = results_of("userFills", user_fills(MAKER, [fill]))
    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectReason.CONTRADICTORY_SIDE


@pytest.mark.parametrize("direction", ["Liquidated Cross Long", "Liquidated Isolated Long"])
def test_a_victim_s_own_market_order_may_be_named_a_liquidation(direction: str) -> None:
    proof = HIT.fill(of_taker=True) | {"dir": direction}
    [event] = events_of("nodeFills", [account(VICTIM), proof])
    assert event.side is Side.LONG


def takeover(*, of_vault: bool, side: str = "") -> dict[str, Any]:
    """Return one party's fill of the takeover of a long: the vault buys, the victim sells."""
    return HIT.fill(of_taker=True) | {
        "dir": "Liquidated Cross Long",
        "side": side or ("B" if of_vault else "A"),
        "liquidation": MARKET | {"method": "backstop"},
    }


@pytest.mark.parametrize("of_vault", [True, False])
def test_a_takeover_whose_side_does_not_fit_is_rejected(*, of_vault: bool) -> None:
    owner = VAULT if of_vault else account(VICTIM)
    [event] = events_of("userFills", owned(owner, takeover(of_vault=of_vault)))
    assert event.side is Side.LONG
    for side, reason in [
        ("A" if of_vault else "B", RejectReason.CONTRADICTORY_SIDE),
        ("C", RejectReason.INVALID_SIDE),
    ]:
        fill = takeover(of_vault=of_vault, side=side)
        [rejected] = results_of("userFills", owned(owner, fill))
        assert isinstance(rejected, Rejected)
        assert rejected.reason is reason


def test_a_takeover_of_a_provider_is_one_event_whichever_half_comes() -> None:
    vaults = [VAULT, takeover(of_vault=True)]
    victims = [account(VICTIM), takeover(of_vault=False)]
    told = []
    for liquidator, fills in [
        (VAULT, [vaults]),
        (None, [victims]),
        (VAULT, [vaults, victims]),
        (VAULT, [victims, vaults]),
    ]:
        [event] = events_of("goldrush", {"channel": "liquidationFills", "fills": fills})
        assert (event.side, event.liquidator) == (Side.LONG, liquidator)
        assert event.liquidated_user == account(VICTIM)
        told.append(event)
    assert len({(event.event_id, event.completeness) for event in told}) == 1
    # The winner's half of an auto-deleveraging is no takeover, whatever the other half says.
    winners = takeover(of_vault=True) | {"dir": "Auto-Deleveraging"}
    message = {"channel": "liquidationFills", "fills": [victims, [account(MAKER), winners]]}
    assert events_of("goldrush", message) == []


def test_a_victim_whose_own_fill_contradicts_itself_joins_nothing() -> None:
    proof = HIT.fill(of_taker=True) | {"dir": "Close Short"}
    [rejected] = results_of("joinedTrades", joined(proof, account(VICTIM)))
    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectReason.CONTRADICTORY_SIDE
    join = TradeJoin()
    join.add_fills(user_fills(VICTIM, [proof]), 0)
    assert join.add_trades(public_trades([REST]), 1) == []


def odd_fills() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield owners and fills of every combination of what a fill's role depends on."""
    directions = [
        "Open Long", "Open Short", "Close Long", "Close Short", "Long > Short", "Short > Long",
        "Liquidated Cross Long", "Liquidated Isolated Short", "Liquidated", "Auto-Deleveraging",
        "Settlement", "Buy",
    ]  # fmt: skip
    roles = product(directions, "ABC", [True, False, None], [VICTIM, MAKER])
    for direction, side, crossed, owner in roles:
        fill = HIT.fill(of_taker=True) | {"dir": direction, "side": side, "crossed": crossed}
        yield account(owner), fill
    changes: list[dict[str, Any]] = [
        {"liquidation": MARKET | {"liquidatedUser": account(0)}},
        {"liquidation": MARKET | {"liquidatedUser": "0X" + account(VICTIM)[2:]}},
        {"coin": "abc:XX"},
        {"coin": "abc:XX", "feeToken": "HYPE"},
        {"coin": "xyz:XX", "feeToken": "HYPE"},
        {"coin": "abc:XX", "feeToken": "USDT0"},
        {"hash": "0x" + "A" * 64},
        {"px": "1e13"},
        {"px": "9e999999"},
        {"tid": 2**63},
    ]
    for change in changes:
        yield account(MAKER), HIT.fill(of_taker=False) | change


def test_the_join_proves_with_exactly_those_fills_that_are_events() -> None:
    proven = 0
    for owner, fill in odd_fills():
        results = results_of("userFills", owned(owner, fill))
        events = [result for result in results if isinstance(result, Liquidation)]
        sale = REST.public() | {key: fill[key] for key in ("coin", "hash")}
        purchase = sale | {"side": "B", "users": [account(VICTIM), account(9)], "tid": 3}
        join = TradeJoin()
        join.add_fills(orjson.dumps(owned(owner, fill)), 0)
        found = join.add_trades(orjson.dumps({"data": [sale, purchase]}), 1)
        assert len(found) == len(events), fill
        for each in found:
            [rest] = events_of("joinedTrades", each.messages()[0])
            assert rest.side is events[0].side
            proven += 1
    # Four closing orders, six makers' fills, two collaterals, and a hash of capital letters.
    assert proven == 13


@pytest.mark.parametrize(
    ("bad", "coin"),
    [
        ({"feeToken": "HYPE"}, "abc:XX"),
        ({"px": "1e30"}, "BTC"),
        ({"sz": "0"}, "BTC"),
        ({"tid": -1}, "BTC"),
        ({"time": START_MS - 10_001}, "BTC"),
    ],
)
def test_a_refused_proof_leaves_the_order_to_the_next(bad: dict[str, Any], coin: str) -> None:
    good = HIT.fill(of_taker=False) | {"coin": coin}
    rest = orjson.dumps({"data": [REST.public() | {"coin": coin}]})
    frame = user_fills(MAKER, [good | {"tid": 9} | bad, good])
    for is_first in (True, False):
        join = TradeJoin()
        found = [] if is_first else join.add_trades(rest, 0)
        found += join.add_fills(frame, 1)
        found += join.add_trades(rest, 2) if is_first else []
        [message] = [message for each in found for message in each.messages()]
        [event] = events_of("joinedTrades", message)
        assert event.side is Side.LONG


def test_a_hash_in_another_letter_case_is_the_same_transaction() -> None:
    name = "0x" + "aB" * 32
    join = TradeJoin()
    join.add_trades(orjson.dumps({"data": [REST.public() | {"hash": name.lower()}]}), 0)
    [found] = join.add_fills(user_fills(MAKER, [HIT.fill(of_taker=False) | {"hash": name}]), 1)
    assert len(events_of("joinedTrades", found.messages()[0])) == 1


NUMBERS = st.from_regex(r"[0-9]{0,12}\.?[0-9]{0,20}([eE][+-]?[0-9]{1,7})?", fullmatch=True)


@settings(deadline=None, max_examples=100)
@given(NUMBERS | st.text(max_size=5), NUMBERS)
def test_what_is_plausible_to_the_producer_is_an_event(price: str, size: str) -> None:
    fill = HIT.fill(of_taker=False) | {"px": price, "sz": size}
    if usd_of(fill) is not None:
        assert len(events_of("userFills", user_fills(MAKER, [fill]))) == 1
