"""The backlog of the market's lane is one that the market's detector takes."""

from benchmarks.workers.backlogs import START_MS
from benchmarks.workers.lanes import ASSETS, market_log
from liq.processors.cascades import DetectorConfig, MarketDetector
from liq.processors.stages.pulses import beat_of
from liq.schemas.codec import decode
from liq.schemas.headers import CLOCK_MS, SOURCE_PARTITION, integer_header
from liq.schemas.records import Pulse
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Side

SECONDS, SOURCES = 4, 3


def test_the_market_decides_on_all_of_its_backlog() -> None:
    detector, pulses = MarketDetector(DetectorConfig(), range(SOURCES)), 0
    [(place, records)] = market_log(START_MS, SECONDS, SOURCES).items()
    assert place == ("pulse", 0)
    for record in records:
        clock_ms = integer_header(record.headers, CLOCK_MS) or 0
        source = integer_header(record.headers, SOURCE_PARTITION) or 0
        if record.value is None:
            detector.heartbeat(clock_ms, source)
        else:
            detector.add(beat_of(decode(Pulse, record.value)), clock_ms, source)
            pulses += 1
    assert pulses == SECONDS * ASSETS * len(Side)
    end = START_MS // SECOND_MS + SECONDS
    assert detector.state.sources == dict.fromkeys(range(SOURCES), end)
