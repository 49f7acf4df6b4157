"""What ClickHouse as a destination reads, and what its failures mean for a batch."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from liq.runtime.settings import Settings
from liq.sinks.clickhouse.destination import ClickHouseDestination, create
from liq.sinks.destination import FailureKind


def test_group_and_limits_are_those_of_the_settings() -> None:
    intake = ClickHouseDestination(Settings(sink_batch_rows=7, sink_batch_seconds=0.5)).intake
    assert (intake.name, intake.stage) == ("clickhouse", "sink-clickhouse")
    assert (intake.limits.rows, intake.limits.seconds) == (7, 0.5)
    assert intake.limits.size_bytes == 32 * 1024 * 1024


@pytest.mark.parametrize("is_archived", [False, True])
def test_raw_frames_are_read_only_for_the_archive(*, is_archived: bool) -> None:
    settings = Settings(sink_raw_archive=is_archived)
    raw = {settings.topics.raw("okx"), settings.topics.raw("bybit")}
    topics = set(create(settings, ["okx", "bybit"]).intake.topics)
    assert topics & raw == (raw if is_archived else set())
    assert settings.topics.events in topics


@pytest.mark.parametrize(
    ("code", "kind"),
    [(27, FailureKind.RETRY), (241, FailureKind.RETRY), (60, FailureKind.SETUP)],
)
def test_no_record_is_to_blame_for_what_an_insert_did_not_find(
    code: int, kind: FailureKind
) -> None:
    failure = ClickHouseDestination(Settings()).classify(DatabaseError("why", code=code))
    assert failure is not None
    assert (failure.kind, failure.label) == (kind, f"code_{code}")


def test_errors_of_others_are_not_classified() -> None:
    assert ClickHouseDestination(Settings()).classify(LookupError("a bug")) is None
