"""The state that is written of a lane stays small, through the largest burst of a recording."""

from liq.processors.cascades import DetectorConfig, PartitionDetector
from tests.golden.test_cascades import THREE_VENUES, events_of

EVENTS_A_BATCH = 10
MAX_BYTES = 4_096


def test_no_state_of_a_recording_takes_more_than_4_kib() -> None:
    detector = PartitionDetector(DetectorConfig())
    written = 0
    for offset, event in enumerate(events_of(THREE_VENUES)):
        detector.apply(event, offset)
        if offset % EVENTS_A_BATCH == 0:
            for state in detector.touched().values():
                assert state is not None
                assert len(state) <= MAX_BYTES
                written += 1
    assert written > len(events_of(THREE_VENUES)) / EVENTS_A_BATCH
