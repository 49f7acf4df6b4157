"""The venues of EXCHANGES: those that push feeds are produced, the polled ones are not."""

import pytest

from liq.cli.exchanges import pushed_exchanges
from liq.producers.feeds.registry import producible_exchanges
from liq.producers.history.registry import POLLED
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import load_settings


def test_polled_venues_are_left_to_the_backfill() -> None:
    polled = sorted({exchange for exchange, _ in POLLED} - set(producible_exchanges()))
    assert "orderly" in polled
    assert pushed_exchanges(load_settings(exchanges=("okx", *polled))) == ("okx",)
    assert pushed_exchanges(load_settings(exchanges=())) == producible_exchanges()


def test_an_unknown_venue_stays_to_be_rejected() -> None:
    assert pushed_exchanges(load_settings(exchanges=("orderly", "nowhere"))) == ("nowhere",)


def test_polled_venues_alone_are_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="`liq backfill` polls them"):
        pushed_exchanges(load_settings(exchanges=("orderly",)))
