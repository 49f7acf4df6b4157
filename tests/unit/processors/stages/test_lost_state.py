"""What is said of state that a take-over could not read."""

from liq.processors.stages.lost_state import MAX_NAMED, lost_state_record
from liq.processors.stages.state import RestoredState
from liq.runtime.metrics import ERRORS
from liq.runtime.settings import Settings
from liq.schemas.codec import decode
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent

SETTINGS = Settings()
TOPIC = SETTINGS.topics.detector_state


def lost(count: int) -> RestoredState:
    state = RestoredState(3, 8, {})
    state.lost = {f"A{number:03}": "snapshot version 9" for number in range(count)}
    return state


def test_lost_state_is_one_gap_a_partition_that_names_the_first_assets() -> None:
    before = ERRORS.labels("lost_state")._value.get()
    record = lost_state_record(SETTINGS, TOPIC, lost(5_000), "rebuilt from 7 records")
    assert record.topic == SETTINGS.topics.feeds
    status = decode(FeedStatus, record.value or b"")
    assert (status.exchange, status.feed, status.event) == ("all", TOPIC, FeedEvent.GAP)
    assert "A000, A001" in status.detail
    assert f"and {5_000 - MAX_NAMED} more in partition 3" in status.detail
    assert status.detail.endswith(
        f"of {TOPIC} cannot be read (snapshot version 9); rebuilt from 7 records."
    )
    assert ERRORS.labels("lost_state")._value.get() == before + 5_000


def test_a_topic_that_lost_its_oldest_records_is_one_lost_state() -> None:
    before = ERRORS.labels("lost_state")._value.get()
    record = lost_state_record(SETTINGS, TOPIC, lost(0), "rebuilt from 7 records")
    detail = decode(FeedStatus, record.value or b"").detail
    assert f"The state of partition 3 of {TOPIC} is lost" in detail
    assert ERRORS.labels("lost_state")._value.get() == before + 1
