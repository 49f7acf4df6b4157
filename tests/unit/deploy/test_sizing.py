"""docs/sizing.md says what the script computes, and the script is monotone and whole."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.sizing import CASES, Assumed, main, size, table
from tests.support.paths import DOCS


def test_the_page_shows_what_is_computed() -> None:
    assert table([size(each) for each in CASES]) in (DOCS / "sizing.md").read_text()


@given(st.integers(1, 10**9), st.integers(1, 10))
def test_more_events_need_no_less(events: int, times: int) -> None:
    small, large = size(events), size(events * times)
    assert large.normalize >= small.normalize >= 1
    assert large.partitions >= max(large.normalize, large.detect)
    assert large.clickhouse_gb_a_year >= small.clickhouse_gb_a_year
    assert large.worker_cores == pytest.approx(times * small.worker_cores)


def test_a_replica_more_costs_kafka_and_nothing_else() -> None:
    three, four = size(10**7), size(10**7, assumed=Assumed(replicas=4))
    assert four.kafka_gb == pytest.approx(three.kafka_gb * 4 / 3)
    assert four.clickhouse_gb_a_year == three.clickhouse_gb_a_year


def test_it_prints_the_cases_that_are_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sizing", "2e6"])
    main()
    assert "2,000,000 a day" in capsys.readouterr().out
