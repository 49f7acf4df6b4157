from liq.runtime.exported import ALL_METRICS
from liq.runtime.metering import BoundedLabel, RateMeter
from liq.runtime.metrics import RECORDS_IN, REJECTED, error_ratio


def test_every_metric_has_a_sentence_and_our_prefix() -> None:
    families = [family for metric in ALL_METRICS for family in metric.describe()]
    assert [family.name for family in families if not family.documentation.endswith(".")] == []
    assert [family.name for family in families if not family.name.startswith("liq_")] == []


def test_the_error_ratio_is_a_share_of_what_was_read() -> None:
    RECORDS_IN.labels("ratio-test").inc(1000)
    before = error_ratio()
    RECORDS_IN.labels("ratio-test").inc(1000)
    assert error_ratio() <= before
    REJECTED.labels("ratio-test", "not_json").inc(500)
    assert error_ratio() > 0


def test_a_rate_counts_over_its_window() -> None:
    meter = RateMeter(window_seconds=10)
    meter.add(50)
    meter.add(50)
    assert meter.rate() == 10


def test_a_rate_forgets() -> None:
    meter = RateMeter(window_seconds=0)
    meter._window_seconds = 1e-9
    meter.add(50)
    assert meter.rate() == 0


def test_made_up_label_values_do_not_grow_without_limit() -> None:
    label = BoundedLabel(limit=3)
    shown = {label.value(f"asset {number % 50}") for number in range(1_000)}
    assert shown == {"asset 0", "asset 1", "asset 2", "other"}
    assert label.value("asset 1") == "asset 1"
    assert BoundedLabel(limit=3).value("A" * 10_000) == "other"
