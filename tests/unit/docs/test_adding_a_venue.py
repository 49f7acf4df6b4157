"""The files that docs/adding-a-venue.md shows are a venue, of which fixture and pages are right."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import liq.devstack.exchange.venues
import liq.processors.normalizers.venues
from liq.cli.docs import venues as venues_page
from liq.cli.docs.feeds import feeds_table
from liq.devstack.exchange.dialect import Dialect
from liq.devstack.exchange.registry import find_dialects
from liq.processors.normalizers import registry
from liq.producers.feeds import registry as feed_registry
from liq.producers.feeds.settings import feed_settings
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Side
from tests.golden import test_venue_fixtures as golden
from tests.support.invented_venue import NAME, beside_the_others, files_of_the_page
from tests.support.venue_fixtures import fixture_paths
from tests.unit.producers.feeds import test_declarations as declarations


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with beside_the_others(tmp_path):
        venue = registry.find_venues(liq.processors.normalizers.venues)[NAME]
        feeds = import_module(f"liq.producers.feeds.venues.{NAME}").FEEDS
        monkeypatch.setitem(registry.VENUES, NAME, venue)
        monkeypatch.setitem(feed_registry.FEEDS, NAME, feeds)
        yield tmp_path


@pytest.fixture
def dialect(checkout: Path) -> Dialect:
    assert checkout.is_dir()
    [found] = [e for e in find_dialects(liq.devstack.exchange.venues) if e.exchange == NAME]
    return found


def test_the_page_shows_two_modules_and_one_folder() -> None:
    folder = f"devstack/liq/devstack/exchange/venues/{NAME}"
    assert sorted(files_of_the_page()) == [
        f"{folder}/__init__.py",
        f"{folder}/dialect.py",
        f"{folder}/fixtures/long.json",
        f"processors/liq/processors/normalizers/venues/{NAME}.py",
        f"producers/liq/producers/feeds/venues/{NAME}.py",
    ]


def test_the_fixture_means_what_the_page_says(checkout: Path) -> None:
    [fixture] = fixture_paths(NAME, checkout / "devstack/liq/devstack/exchange/venues")
    golden.test_the_message_means_what_its_source_says(fixture)
    golden.test_the_fixture_says_where_it_comes_from(fixture)


def test_the_producers_declaration_is_one_and_agrees_with_the_dialect(dialect: Dialect) -> None:
    [feed] = feed_registry.FEEDS[NAME]
    declarations.test_addresses_are_encrypted_and_settings_are_shouted(feed)
    declarations.test_data_is_data_with_its_symbol_and_control_is_not(dialect)
    assert list(registry.known_feeds(NAME)) == [feed.name] == [dialect.feed]
    assert [setting.name for setting in feed_settings([feed])] == [dialect.setting]


def test_a_frame_of_the_dialect_is_a_liquidation(dialect: Dialect) -> None:
    [event] = golden.results_of(
        {
            "exchange": NAME,
            "feed": dialect.feed,
            "received_at_ms": 1_783_000_001_000,
            "frame": dialect.frame(dialect.symbol, 1),
        }
    )
    assert isinstance(event, Liquidation)
    assert (event.side, event.native_symbol) == (Side.LONG, dialect.symbol)


@pytest.mark.usefixtures("checkout")
def test_the_pages_list_the_venue() -> None:
    page = venues_page.venues_page()
    assert f"| `{NAME}` | `linear` | every forced order | complete |" in page
    assert "\n### Example\n\n`liquidations`.\n\nSources: example.com" in page
    assert f"| `{NAME}` | `linear` | `liquidations` of every contract | `EXAMPLE_WS_URL` |" in (
        feeds_table(feed_registry.FEEDS[NAME])
    )
