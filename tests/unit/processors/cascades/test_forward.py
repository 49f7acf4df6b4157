"""What a record says of the minute ahead."""

import pytest

from liq.processors.cascades import DetectorConfig
from liq.processors.cascades.forward import Pace, continue_probability, expected_more_cents
from liq.schemas.vocabulary import AlertType, Scope
from tests.support.cascade_traffic import HOUR, Traffic, detect

MILLION = 100_000_000
QUIET = Pace(short_cents=MILLION // 50, cents=MILLION // 20, quick_nats=3.0, short_weight=30)
WILD = Pace(short_cents=MILLION, cents=5 * MILLION, quick_nats=40.0, short_weight=600)


@pytest.mark.parametrize("scope", Scope)
def test_more_is_likelier_and_expected_where_more_happens(scope: Scope) -> None:
    quiet, wild = (continue_probability(scope, pace, MILLION) for pace in (QUIET, WILD))
    assert 0 < quiet < wild < 1
    assert 0 < expected_more_cents(scope, QUIET) < expected_more_cents(scope, WILD)


@pytest.mark.parametrize("scope", Scope)
def test_as_much_again_is_less_likely_the_more_there_was(scope: Scope) -> None:
    totals = [MILLION // 100, MILLION // 4, 10 * MILLION, 100 * MILLION]
    chances = [continue_probability(scope, WILD, total) for total in totals]
    # Below $250k, the question is the same.
    assert chances[0] == chances[1] > chances[2] > chances[3]


def test_every_record_but_an_end_has_a_view_and_a_watch_is_likely_enough() -> None:
    traffic = Traffic()
    traffic.flow(0, 2 * HOUR, 40)
    traffic.burst(HOUR, 60, count=80, usd=3e6, assets=("BTC",))
    alerts = detect(traffic)
    assert {alert.type for alert in alerts} > {AlertType.WATCH, AlertType.ENDED}
    for alert in alerts:
        view = alert.continue_probability, alert.expected_more_usd
        if alert.type is AlertType.ENDED:
            assert view == (None, None)
            continue
        assert view[0] is not None
        assert view[1] is not None
        assert 0 <= view[0] <= 1
        assert view[1] >= 0
        if alert.type is AlertType.WATCH:
            assert view[0] >= DetectorConfig().watch_probability
