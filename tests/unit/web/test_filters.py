import pytest

from liq.web.filters import FilterError, Filters, parse_filters
from liq.web.records import Facets

FACETS = Facets("id", ("okx",), "BTC", "LONG", 150_000, 0)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, 1),
        ({"exchange": "OKX, bybit"}, 1),
        ({"exchange": "bybit"}, 0),
        ({"asset": "BTC"}, 1),
        ({"asset": "ETH"}, 0),
        ({"side": "LONG"}, 1),
        ({"side": "SHORT"}, 0),
        ({"min_usd": "1500"}, 1),
        ({"min_usd": "1500.01"}, 0),
    ],
)
def test_a_record_is_wanted_by_venue_asset_side_and_dollars(
    query: dict[str, str], wanted: int
) -> None:
    assert parse_filters(query).accept(FACETS) is bool(wanted)


def test_a_record_that_names_nothing_passes() -> None:
    filters = parse_filters({"exchange": "okx", "asset": "BTC", "side": "LONG", "min_usd": "9"})
    assert filters.accept(Facets("", (), "", "", 0, 0))


@pytest.mark.parametrize(
    "query",
    [
        {"side": "long or short"},
        {"side": "Buy"},
        {"min_usd": "much"},
        {"min_usd": "NaN"},
        {"min_usd": "-1"},
        {"min_usd": "1e40"},
        {"asset": "<script>"},
        {"exchange": "x" * 65},
        {"asset": ",".join(f"A{number}" for number in range(51))},
    ],
)
def test_what_means_nothing_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(FilterError):
        parse_filters(query)


def test_equal_filters_are_one() -> None:
    assert parse_filters({"asset": "BTC,ETH"}) == parse_filters({"asset": "ETH, BTC"}) != Filters()
