"""`liq venues` tells of every feed, and the age of contract metadata is told in days."""

from datetime import date
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from liq.cli.contract_lists import listed_exchanges
from liq.cli.main import app
from liq.processors.normalizers import InstrumentBook, known_exchanges, load_snapshot
from liq.processors.normalizers.registry import VENUES
from liq.processors.workers.instrument_follower import age_days, parsed
from liq.schemas.codec import encode
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind

INSTRUMENT = Instrument(
    exchange="okx",
    native_symbol="AAA-USDT-SWAP",
    base="AAA",
    quote="USDT",
    settle="USDT",
    contract=ContractKind.LINEAR,
    contract_size=Decimal(1),
    as_of="2026-10-01",
)


def test_every_feed_is_listed_with_what_it_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liq.cli.commands.venues.out.width", 200)
    lines = CliRunner().invoke(app, ["venues"]).output.splitlines()
    for exchange, venue in VENUES.items():
        for name, feed in venue.feeds.items():
            [line] = [line for line in lines if f" {exchange} " in line and f" {name} " in line]
            assert feed.publishes in line
            assert feed.completeness in line
            assert feed.price_kind in line
            assert feed.identity in line


def test_every_exchange_with_contracts_in_the_snapshot_can_be_refreshed() -> None:
    assert {one.exchange for one in load_snapshot().all()} == set(listed_exchanges())
    assert set(listed_exchanges()) <= set(known_exchanges())


@pytest.mark.parametrize(("today", "days"), [((2026, 10, 1), 0), ((2026, 10, 31), 30)])
def test_the_age_is_that_of_the_newest_value(today: tuple[int, int, int], days: int) -> None:
    assert age_days(InstrumentBook([INSTRUMENT]), date(*today)) == days


def test_a_date_to_come_and_an_empty_book_have_no_age() -> None:
    assert age_days(InstrumentBook([INSTRUMENT]), date(2026, 1, 1)) == 0
    assert age_days(InstrumentBook()) == 0


def test_broken_records_and_deletions_of_the_topic_are_passed_over() -> None:
    assert parsed(encode(INSTRUMENT)) == INSTRUMENT
    assert parsed(None) is None
    assert parsed(b"{}") is None
