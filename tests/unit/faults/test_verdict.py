"""The comparison that ends every fault case: it sees what is lost, doubled, or changed."""

from typing import Any

import pytest

from liq.runtime.settings import Settings
from tests.faults.history import History
from tests.faults.verdict import Compared, Places, Verdict, comparable, stored, unexplained
from tests.support.foreign_records import Foreign

ALERT = {
    "alert_id": "a",
    "cascade_id": "c",
    "type": "CASCADE_DETECTED",
    "scope": "asset",
    "risk_score": 50,
}
EARLY_END = {**ALERT, "alert_id": "e", "type": "CASCADE_ENDED", "caveat": "log_replaced"}


class FakeClient:
    """Answers every question with the same rows."""

    def __init__(self, *rows: tuple[Any, int]) -> None:
        self.result_rows = rows

    def query(self, _: str) -> "FakeClient":
        return self


@pytest.fixture
def history() -> History:
    return History(Settings())


def test_what_is_lost_changed_and_repeated_is_named() -> None:
    expected = [ALERT, {**ALERT, "alert_id": "b"}]
    found = [{**ALERT, "risk_score": 51}, {**ALERT, "risk_score": 51}, {**ALERT, "alert_id": "x"}]
    compared = Compared.of("alert_id", expected, found)
    assert len(compared.missing) == 1
    assert compared.missing[0].startswith("b: ")
    assert len(compared.changed) == 3
    assert compared.repeats == 1
    assert len(compared.lines()) == 4


def test_circumstances_change_nothing_and_marks_only_where_states_were_lost() -> None:
    found = [{**ALERT, "source": 7, "stamped_at_ms": 8, "caveat": "rebuilt"}]
    assert Compared.of("alert_id", [ALERT], found).changed
    assert not Compared.of("alert_id", [ALERT], found, "caveat").changed


def test_two_logs_may_give_two_versions_of_one_record() -> None:
    versions = [ALERT, {**ALERT, "risk_score": 49}]
    assert not Compared.of("alert_id", versions, versions).changed
    assert Compared.of("alert_id", versions, [{**ALERT, "risk_score": 48}]).changed


def test_clickhouse_has_each_once_and_nothing_else() -> None:
    client: Any = FakeClient(("a", 1), ("b", 2), ("x", 1), ("permitted", 1))
    compared = stored(client, "", {"a", "b", "c"}, {"permitted", "absent"})
    assert compared.missing == ["not in ClickHouse: c"]
    assert len(compared.doubled) == 2


def test_alerts_of_the_market_count_unless_its_log_was_replaced(history: History) -> None:
    alerts = [ALERT, {**ALERT, "scope": "market"}, {**ALERT, "type": "CASCADE_LINKED"}]
    assert comparable(history, alerts) == alerts
    history.market_restarts = True
    assert comparable(history, alerts) == [ALERT]


def test_early_ends_need_an_operation_and_a_cascade(history: History) -> None:
    assert unexplained(history, [ALERT], [EARLY_END])
    history.early_ends = True
    assert not unexplained(history, [ALERT], [EARLY_END])
    assert unexplained(history, [ALERT], [{**EARLY_END, "cascade_id": "nobody's"}])
    assert unexplained(history, [ALERT], [{**EARLY_END, "type": "CASCADE_DETECTED"}])


def test_frames_of_others_have_to_be_rejected_and_records_elsewhere_may_be(
    history: History,
) -> None:
    topics = history.settings.topics
    frame, event = (topics.raw("okx"), 0, 7), (topics.events, 1, 8)
    history.foreign[frame] = Foreign(*frame[:1], b"k", b"{}", ())
    history.foreign[topics.raw("okx"), 0, 9] = Foreign(topics.raw("okx"), b"k", None, ())
    history.gone_foreign.append((event, Foreign(*event[:1], b"k", b"{}", ())))
    places = Places.of(history, [])
    assert places.wanted == {(*frame, 0)}
    assert (*event, 0, "detect") in places.permitted
    assert (*event, 0, "normalize") in places.permitted


def test_a_verdict_fails_with_the_differences() -> None:
    verdict = Verdict(
        frames=200,
        unsent=0,
        silent=0,
        events=200,
        alerts=10,
        lost=1,
        repeated=0,
        changed=0,
        redelivered=3,
        differences=("missing: a",),
    )
    with pytest.raises(AssertionError, match="missing: a"):
        verdict.expect_the_truth()
