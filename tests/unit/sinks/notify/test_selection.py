"""What rules select, cool-downs and quiet hours."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, FeedEvent, Level, Side
from liq.sinks.notify.detector_watch import DetectorWatch
from liq.sinks.notify.notices import Condition, Kind, detector_notice, read_notice
from liq.sinks.notify.rules import Rules
from liq.sinks.notify.selection import Selection
from tests.support import sample_records
from tests.support.notify_rules import WHOLE, alert, link, market, notice, one_rule, rules

MINUTE_MS = 60_000
T = 1_783_500_000_000


def selects(found: Rules, record: CascadeAlert) -> bool:
    return bool(Selection(found).select(notice(record)))


@pytest.mark.parametrize(
    ("when", "changes"),
    [
        ("{alerts: [detected], level: major}", {"level": Level.MODERATE}),
        ("{alerts: [detected], dollars: 2000000}", {"total_value_usd": Decimal(1_999_999)}),
        ("{alerts: [detected], assets: [ETH, BTC]}", {"asset": "SOL"}),
        ("{alerts: [detected], side: long}", {"side": Side.SHORT}),
        ("{alerts: [ended, detected]}", {"type": AlertType.ESCALATED}),
        ("{alerts: [detected]}", {"notify": False}),
    ],
)
def test_each_condition_decides(when: str, changes: dict[str, Any]) -> None:
    found = one_rule(when)
    meant = alert(total_value_usd=Decimal(2_000_000))
    assert selects(found, meant)
    assert not selects(found, alert(**{"total_value_usd": Decimal(2_000_000), **changes}))


def test_scope_parts_the_market_from_its_assets() -> None:
    of_market = one_rule("{alerts: [detected], scope: market}")
    assert selects(of_market, market("m"))
    assert not selects(of_market, alert())
    assert not selects(one_rule("{alerts: [detected], scope: asset}"), market("m"))
    # The market has no asset that a list could name.
    assert selects(one_rule("{alerts: [detected], assets: [ETH]}"), market("m"))


def test_quiet_records_are_selected_by_name_alone() -> None:
    assert not selects(one_rule("{alerts: [detected]}"), link("c"))
    assert selects(one_rule("{alerts: [linked]}"), link("c"))


def test_a_receiver_gets_a_notice_once_by_the_first_rule() -> None:
    text = WHOLE.replace("{liquidations: institutional, side: long, dollars: 5000000}",
                         "{alerts: [detected]}")  # fmt: skip
    day = int(datetime(2026, 7, 8, 12, tzinfo=UTC).timestamp() * 1000)
    assert Selection(rules(text)).select(notice(alert(timestamp_ms=day))) == {
        "desk": "cascades",
        "phone": "cascades",
    }


def test_a_cool_down_counts_by_asset_and_side() -> None:
    left_out: list[tuple[str, str]] = []
    selection = Selection(
        one_rule("{alerts: [detected, ended]}", "cool_down_minutes: 10"),
        lambda rule, reason: left_out.append((rule, reason)),
    )

    def told(name: str, minutes: float, **changes: Any) -> bool:
        at_ms = T + int(minutes * MINUTE_MS)
        record = alert(name, **{"cascade_id": name, "timestamp_ms": at_ms, **changes})
        return bool(selection.select(notice(record)))

    assert told("first", 0)
    assert not told("second", 9)
    assert left_out == [("only", "cool_down")]
    assert told("other-asset", 9, asset="ETH")
    assert told("other-side", 9, side=Side.SHORT)
    assert told("worse", 9, level=Level.EXTREME)
    assert not told("as-bad", 9.5, level=Level.EXTREME)
    assert told("over", 19.6)


def test_a_cascade_that_was_told_of_is_told_to_its_end() -> None:
    selection = Selection(one_rule("{alerts: [detected, ended]}", "cool_down_minutes: 10"))
    assert selection.select(notice(alert("start")))
    assert selection.select(notice(alert("end", type=AlertType.ENDED)))
    assert not selection.select(notice(alert("other", "d")))


def test_a_restart_remembers_cool_downs() -> None:
    found = one_rule("{alerts: [detected]}", "cool_down_minutes: 10")
    before, after = Selection(found), Selection(found)
    first = notice(alert("first"))
    after.restore(first, before.select(first))
    assert not after.select(notice(alert("second", "d")))


@pytest.mark.parametrize(
    ("hour", "level", "is_told"),
    [
        (20, Level.MAJOR, True),
        (21, Level.MAJOR, False),  # 23:00 in Berlin
        (2, Level.MAJOR, False),
        (2, Level.EXTREME, True),
        (5, Level.MAJOR, True),  # 07:00 in Berlin
    ],
)
def test_quiet_hours_are_those_of_their_place(hour: int, level: Level, is_told: bool) -> None:  # noqa: FBT001
    at_ms = int(datetime(2026, 7, 8, hour, tzinfo=UTC).timestamp() * 1000)
    assert selects(rules(WHOLE), alert(timestamp_ms=at_ms, level=level)) is is_told


def test_a_time_that_no_calendar_has_is_no_quiet_hour() -> None:
    assert selects(rules(WHOLE), alert(timestamp_ms=2**62))


def test_feeds_and_liquidations_are_selected() -> None:
    selection = Selection(rules(WHOLE))
    gap = sample_records.feed_status()
    of_okx = read_notice(Kind.FEED, encode(gap))
    assert not selection.select(of_okx)
    binance = replace(gap, exchange="binance")
    assert selection.select(read_notice(Kind.FEED, encode(binance))) == {"desk": "venues"}
    lost = replace(binance, event=FeedEvent.LOST)
    assert not selection.select(read_notice(Kind.FEED, encode(lost)))
    event = replace(sample_records.liquidation(1), value_usd=Decimal(5_000_000))
    assert selection.select(read_notice(Kind.LIQUIDATION, encode(event))) == {"phone": "large"}


def test_a_detector_s_report_goes_to_the_rule_with_its_patience() -> None:
    selection = Selection(rules(WHOLE))
    watch, impatient = DetectorWatch(60), DetectorWatch(15)
    for each in (watch, impatient):
        assert each.tick(0) is None
    report = watch.tick(60_000)
    assert report is not None
    assert report.condition is Condition.SILENT
    assert selection.select(detector_notice(report)) == {"desk": "detector"}
    other = impatient.tick(60_000)
    assert other is not None
    assert not selection.select(detector_notice(other))
