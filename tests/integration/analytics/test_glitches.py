"""Rows that no market gives, and rejections of old and new normalizers, counted right."""

from dataclasses import replace
from decimal import Decimal

import pytest

from liq.schemas.codec import encode
from liq.schemas.records import RejectedEntry
from liq.schemas.vocabulary import RejectReason
from tests.integration.analytics.conftest import NewWarehouse
from tests.support.sample_records import alert, liquidation, rejection

pytestmark = pytest.mark.integration

GLITCH = Decimal(9) * 10**25


def test_no_number_of_glitches_wraps_a_sum_and_no_view_counts_one(
    new_warehouse: NewWarehouse,
) -> None:
    warehouse = new_warehouse()
    topics = warehouse.settings.topics
    good = replace(liquidation(3), value_usd=Decimal(1000), quantity=Decimal(2))
    glitches = [
        replace(good, event_id=f"{number:032x}", value_usd=GLITCH, quantity=GLITCH)
        for number in range(100, 104)
    ]
    totals = [
        replace(alert(number), total_value_usd=GLITCH, cascade_id=f"c{number}")
        for number in range(4)
    ]
    warehouse.load(
        {
            topics.events: [encode(event) for event in (good, *glitches)],
            topics.cascades: [encode(each) for each in totals],
        }
    )
    ask = warehouse.client.query
    [row] = ask("SELECT sum(value_usd), sum(quantity) FROM liquidations FINAL").result_rows
    assert row == (4 * GLITCH + 1000, 4 * GLITCH + 2)
    assert ask("SELECT sum(total_value_usd) FROM cascades_latest").result_rows == [(4 * GLITCH,)]
    assert ask("SELECT count() FROM liquidations FINAL WHERE is_implausible").result_rows == [(4,)]
    for view, columns in {
        "liquidations_by_venue_side": "value_usd",
        "liquidation_minutes": "value_usd",
        "liquidation_hours": "value_usd",
        "long_short_minutes": "long_usd + short_usd",
        "price_level_hours": "value_usd",
        "size_buckets": "value_usd",
        "completeness_hours": "value_usd",
        "liquidation_events": "value_usd",
    }.items():
        assert ask(f"SELECT sum({columns}) FROM {view}").result_rows == [(1000,)], view  # noqa: S608
    assert ask("SELECT DISTINCT value_usd, largest_usd FROM size_distribution").result_rows == [
        (1000, 1000)
    ]


def test_entries_are_counted_once_however_old_the_normalizer_was(
    new_warehouse: NewWarehouse,
) -> None:
    """A frame that an older normalizer rejected entry by entry is rejected again by a newer one."""
    reasons = [RejectReason.INVALID_SIDE, RejectReason.MISSING_FIELD, RejectReason.INVALID_SIDE]
    entries = tuple(
        RejectedEntry(number, reason, f"entry {number}") for number, reason in enumerate(reasons)
    )
    old = [
        replace(rejection(1), reason=entry.reason, detail=entry.detail, entry=entry.entry)
        for entry in entries
    ]
    new = replace(old[0], entries=entries)
    other = replace(new, source=rejection(2).source)
    single = replace(rejection(3), reason=RejectReason.INVALID_SIDE, detail="alone")
    expected = [("invalid_side", 3, 1, 5, "entry 0"), ("missing_field", 2, 1, 2, "entry 1")]
    for records in ([*old, other, single], [*old, new, other, single]):
        warehouse = new_warehouse()
        warehouse.load({warehouse.settings.topics.rejected: [encode(each) for each in records]})
        assert (
            warehouse.client.query(
                "SELECT reason, frames, payloads, entries, example FROM rejected_by_reason"
                " ORDER BY reason"
            ).result_rows
            == expected
        )
