"""The overview: cascades with their lives, sums by minute, venues, and how complete it is."""

from typing import Any

import orjson

from liq.schemas.units import DAY_MS, MINUTE_MS
from liq.web.board import MAX_CASCADES, MAX_STEPS, Board, dollars
from liq.web.horizon import BEHIND_MS, SILENT_MS, horizon
from liq.web.records import Place, Stream, read

NOW_MS = 1_783_500_000_000


def take(board: Board, stream: Stream, document: dict[str, Any]) -> None:
    board.take(*read(Place(stream, 0), 0, orjson.dumps(document)))


def liquidation(
    number: int, usd: str, *, at_ms: int = NOW_MS, side: str = "LONG"
) -> dict[str, Any]:
    return {
        "event_id": str(number), "exchange": "okx", "base": "BTC", "side": side,
        "value_usd": usd, "timestamp_ms": at_ms, "price": "60000", "completeness": "sampled",
    }  # fmt: skip


def alert(cascade: str, kind: str, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "alert_id": f"{cascade}{number}", "cascade_id": cascade, "type": f"CASCADE_{kind}",
        "exchanges": ["okx"], "asset": "BTC", "side": "LONG", "total_value_usd": "5",
        "timestamp_ms": NOW_MS + number, "risk_score": 50.0, **changes,
    }  # fmt: skip


def feed(event: str, connection: str = "a") -> dict[str, Any]:
    return {
        "exchange": "okx", "feed": "swap", "connection": connection, "event": event,
        "timestamp_ms": NOW_MS, "detail": "closed",
    }  # fmt: skip


def test_sums_by_minute_are_exact_and_kept_for_a_day() -> None:
    board = Board()
    take(board, Stream.LIQUIDATIONS, liquidation(1, "0.10"))
    take(board, Stream.LIQUIDATIONS, liquidation(2, "0.20"))
    take(board, Stream.LIQUIDATIONS, liquidation(3, "9", side="SHORT"))
    [longs, shorts] = board.minutes(0)
    assert (longs["count"], longs["value_usd"]) == (2, "0.30")
    assert (shorts["side"], shorts["value_usd"]) == ("SHORT", "9.00")
    take(board, Stream.LIQUIDATIONS, liquidation(4, "1", at_ms=NOW_MS + DAY_MS + MINUTE_MS))
    assert [each["value_usd"] for each in board.minutes(0)] == ["1.00"]
    take(board, Stream.LIQUIDATIONS, liquidation(5, "1", at_ms=NOW_MS))
    assert len(list(board.minutes(0))) == 1


def test_a_cascade_is_open_until_a_record_ends_it() -> None:
    board = Board()
    take(board, Stream.CASCADES, alert("c1", "DETECTED", 0))
    take(board, Stream.CASCADES, alert("c2", "DETECTED", 0, risk_score=80.0))
    assert [life.newest["cascade_id"] for life in board.open_cascades()] == ["c2", "c1"]
    take(board, Stream.CASCADES, alert("c2", "ENDED", 1))
    assert [life.newest["cascade_id"] for life in board.open_cascades()] == ["c1"]
    assert [life.newest["cascade_id"] for life in board.ended_cascades(9)] == ["c2"]


def test_a_link_names_the_parent_and_is_no_newer_state() -> None:
    board = Board()
    take(board, Stream.CASCADES, alert("c1", "DETECTED", 0, level="major"))
    take(board, Stream.CASCADES, alert("c1", "LINKED", 1, parent_id="m", level="minor"))
    [life] = board.open_cascades()
    assert (life.parent_id, life.newest["level"]) == ("m", "major")


def test_memory_is_bounded() -> None:
    board = Board()
    for number in range(MAX_CASCADES + 10):
        take(board, Stream.CASCADES, alert(f"c{number}", "DETECTED", 0))
    for number in range(MAX_STEPS + 10):
        take(board, Stream.CASCADES, alert("long", "UPDATED", number))
    assert len(board.cascades) == MAX_CASCADES
    assert len(board.cascades["long"].steps) == MAX_STEPS
    assert board.cascades["long"].steps[0]["alert_id"] == "long0"


def test_a_venue_shows_its_connections_and_troubles() -> None:
    board = Board()
    for event, connection in (("connected", "a"), ("connected", "b"), ("lost", "a"), ("gap", "a")):
        take(board, Stream.FEEDS, feed(event, connection))
    [venue] = board.venues()
    assert (venue["connected"], venue["connections"]) == (1, 2)
    assert (venue["counts"]["gap"], venue["detail"]) == (1, "gap: closed")
    assert len(board.gaps) == 1


def test_a_gap_shows_how_it_was_repaired() -> None:
    board = Board()
    for connection in ("a", "b"):
        take(board, Stream.FEEDS, feed("gap", connection) | {"from_ms": 1, "to_ms": 2})
    end = feed("filled", "b") | {"from_ms": 1, "to_ms": 2, "row_count": 7}
    take(board, Stream.FEEDS, end)
    assert [gap.get("repair") for gap in board.gaps] == [None, "filled"]
    assert board.gaps[1]["repair_rows"] == 7


def test_dollars_are_exact() -> None:
    assert [dollars(cents) for cents in (0, 5, 123, -5)] == ["0.00", "0.05", "1.23", "-0.05"]


def test_the_horizon_says_which_stage_is_behind() -> None:
    status = {
        "timestamp_ms": NOW_MS, "assets_decided_until_ms": NOW_MS - 2_000, "behind_ms": 2_000,
    }  # fmt: skip

    def sentence(**changes: Any) -> str:
        known = {
            "now_ms": NOW_MS, "clock_ms": NOW_MS, "status": status, "is_caught_up": True, **changes,
        }  # fmt: skip
        found = horizon(**known)
        assert found.is_complete is (not found.sentence)
        return found.sentence

    assert sentence() == ""
    assert "still reading" in sentence(is_caught_up=False)
    assert "no producer" in sentence(clock_ms=None)
    assert "31 seconds behind" in sentence(clock_ms=NOW_MS - BEHIND_MS - 1_000)
    assert "detector says nothing" in sentence(status=None)
    assert "detector says nothing" in sentence(
        now_ms=NOW_MS + SILENT_MS + 1, clock_ms=NOW_MS + 1_000
    )
    assert "61 seconds behind" in sentence(status={**status, "behind_ms": 61_000})
