"""Records that anybody may write: no reader raises, and all know the same time."""

import asyncio
from types import SimpleNamespace
from typing import Any, Final, cast

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from liq.cli.commands.export import _line
from liq.processors.cascades import DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.normalizers import load_snapshot
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.hooks import OwnedPartition
from liq.processors.stages.market import MarketProgress, MarketStage
from liq.processors.stages.normalize import NormalizeStage
from liq.processors.stages.output import Output
from liq.processors.stages.owned import Group
from liq.processors.stages.state import RestoredState, sort_entries
from liq.processors.stages.waiting import WaitingSources
from liq.processors.workers.instrument_follower import parsed
from liq.processors.workers.merge import MergeBuffer
from liq.runtime.record_size import size_of
from liq.runtime.record_time import received_at_ns
from liq.runtime.sending import MAX_RECORD_BYTES, OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.capture import parse_capture_line
from liq.schemas.codec import decode, encode
from liq.schemas.headers import (
    CASCADE,
    CLOCK_MS,
    CONNECTION,
    EXCHANGE,
    FEED,
    PULSE,
    RATES,
    RECEIVED_AT_NS,
    RECORD,
    RETRY,
    SEQUENCE,
    SOURCE_PARTITION,
)
from liq.schemas.plausible_time import EARLIEST_STORED_MS, LATEST_MS
from liq.schemas.records import Liquidation, Rejected
from liq.schemas.units import MILLISECOND_NS
from liq.sinks.clickhouse.documents import parse_frame
from liq.sinks.clickhouse.encoding import encode as encode_rows
from liq.sinks.clickhouse.encoding import encode_refusals
from liq.sinks.clickhouse.tables import RAW_FRAMES, REJECTED, tables_by_topic
from tests.support import sample_records
from tests.support.examples import examples
from tests.support.venue_fixtures import fixture_paths

SETTINGS: Final = Settings()
TOPICS: Final = SETTINGS.topics
CONFIG: Final = DetectorConfig()
BOOK: Final = load_snapshot()
NO_OUTPUT: Final = cast(Output, None)
NO_GROUP: Final = cast(Group, None)
NOW_MS: Final = 1_783_500_000_000
TABLES: Final = tables_by_topic(TOPICS, ["okx", "binance"])
FRAMES: Final = [
    orjson.dumps(orjson.loads(path.read_bytes())["frame"]) for path in sorted(fixture_paths())[:40]
]
NAMES: Final = (
    EXCHANGE,
    FEED,
    RECEIVED_AT_NS,
    CONNECTION,
    SEQUENCE,
    CLOCK_MS,
    SOURCE_PARTITION,
    RECORD,
    RETRY,
    RATES,
    "",
    "trace-id",
)
ODD_VALUES: Final = [
    None,
    b"",
    b"0",
    b"-1",
    b"1.5",
    b"+7",
    b"1_0",
    b" 1",
    "\u0663".encode(),
    "\u00b2".encode(),
    b"\xff\xfe",
    b"9" * 30,
    b"9" * 5_000,
    b"%d" % 2**63,
    b"%d" % (2**63 - 1),
    b"%d" % NOW_MS,
    b"%d" % (NOW_MS * MILLISECOND_NS),
    b"%d" % (NOW_MS * MILLISECOND_NS * 1_000),
    b"okx",
    b"x" * 100_000,
    PULSE.encode(),
    CASCADE.encode(),
    b'{"contracts":["A"],"attempt":0,"offset":null,"final":false}',
    b'{"contracts":["A"],"attempt":0,"offset":1' + 40 * b"0" + b',"final":false}',
    b"[" * 100_000,
    b"BTC=64000.5@20000",
]
ODD_BODIES: Final = [
    None,
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"NaN",
    b'{"a":NaN}',
    b'{"a":1e999}',
    b'{"received_at_ms":%d}' % 10**30,
    b'{"a":"\\ud800"}',
    b"\xff\xfe{}",
    b"[" * 100_000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b'{"analysis":' * 500 + b"1" + b"}" * 500,
    b"x" * 1_048_576,
    b'"' + b"y" * 1_048_576 + b'"',
]

header_values = st.sampled_from(ODD_VALUES) | st.binary(max_size=40)
headers = st.lists(
    st.tuples(st.sampled_from(NAMES) | st.text(max_size=8), header_values), max_size=6
).map(tuple)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.sampled_from(["long", "0", "-0", "1" * 400, "1e5", "CASCADE_ENDED"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@st.composite
def changed_documents(draw: st.DrawFn) -> bytes:
    """A true record, some of whose fields are anything."""
    document: dict[str, Any] = dict(draw(st.sampled_from(TRUE_DOCUMENTS)))
    for name in draw(st.lists(st.sampled_from(sorted(document)), max_size=3)):
        document[name] = draw(json_values)
    return orjson.dumps(document)


bodies = (
    st.sampled_from(ODD_BODIES)
    | st.sampled_from(FRAMES)
    | st.binary(max_size=60)
    | json_values.map(orjson.dumps)
    | st.deferred(changed_documents)
)
keys = st.sampled_from([None, b"", b"\xff", b"BTC", b"heartbeat", b"k" * 70_000])
timestamps = st.sampled_from([-1, 0, 1, NOW_MS, NOW_MS // 1_000, NOW_MS * 1_000, 2**63 - 1])


@st.composite
def records(draw: st.DrawFn, topic: str = "") -> Any:
    return SimpleNamespace(
        topic=topic or draw(st.sampled_from([TOPICS.raw("okx"), TOPICS.raw("binance")])),
        partition=draw(st.integers(0, 7)),
        offset=draw(st.integers(0, 2**62)),
        timestamp=draw(timestamps),
        key=draw(keys),
        value=draw(bodies),
        headers=draw(st.none() | headers),
    )


class CollectedOutput:
    """What a stage sends."""

    def __init__(self) -> None:
        self.sent: list[OutputRecord] = []

    async def send(self, sent: list[OutputRecord]) -> "asyncio.Future[None]":
        self.sent += sent
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def partitions(self, _: str) -> list[int]:
        return [0, 1]


def normalized(*messages: Any) -> list[OutputRecord]:
    output = CollectedOutput()
    stage = NormalizeStage(SETTINGS, cast(Output, output), BOOK)

    async def run() -> None:
        await (await stage.handle(messages))

    asyncio.run(run())
    return output.sent


def assert_deliverable(sent: list[OutputRecord]) -> None:
    for record in sent:
        named = sum(len(name) + len(value or b"") for name, value in record.headers)
        assert len(record.key) + len(record.value or b"") + named <= MAX_RECORD_BYTES


def sample_documents() -> list[dict[str, Any]]:
    made = [
        sample_records.liquidation(),
        sample_records.rejection(),
        sample_records.alert(),
        sample_records.feed_status(),
        sample_records.instrument(),
    ]
    return [orjson.loads(encode(record)) for record in made]


TRUE_DOCUMENTS: Final = [
    *sample_documents(),
    {
        "asset": "BTC",
        "side": "long",
        "timestamp_ms": NOW_MS,
        "slices": [{"second_ms": NOW_MS - 1_000, "event_count": 1, "value_usd": "5"}],
        "exchanges": ["okx"],
        "complete_count": 1,
        "largest_event_id": "a",
        "largest_usd": "5",
    },
]


@settings(max_examples=examples(300), deadline=None)
@given(records())
def test_every_reader_of_a_frame_knows_the_same_time(record: Any) -> None:
    known_ns = received_at_ns(record)
    assert EARLIEST_STORED_MS <= known_ns // MILLISECOND_NS < LATEST_MS
    merge: MergeBuffer[int, Any] = MergeBuffer(received_at_ns, size_of)
    merge.add(0, [record])
    assert merge.oldest == known_ns
    if record.value is None:
        return
    assert parse_frame(record)["received_at_ns"] == known_ns
    line = _line(SETTINGS, record)
    assert line is not None
    assert parse_capture_line(line).received_at_ns == known_ns
    sent = normalized(record)
    assert_deliverable(sent)
    for made in sent:
        if made.topic == TOPICS.rejected:
            assert decode(Rejected, made.value or b"").received_at_ms == known_ns // MILLISECOND_NS
        if made.topic == TOPICS.events and made.value is not None:
            event = decode(Liquidation, made.value)
            assert event.received_at_ms == known_ns // MILLISECOND_NS


@settings(max_examples=examples(300), deadline=None)
@given(records(TOPICS.events))
def test_the_detect_stage_applies_or_rejects(record: Any) -> None:
    stage = DetectStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    detector = PartitionDetector(CONFIG)
    result = stage._apply(OwnedPartition(0, 1, detector), [record])
    assert detector.clock_ms < LATEST_MS
    assert_deliverable(result.records)
    detector.touched()


@settings(max_examples=examples(300), deadline=None)
@given(records(TOPICS.pulse))
def test_the_market_stage_applies_or_rejects(record: Any) -> None:
    stage = MarketStage(SETTINGS, NO_OUTPUT, NO_GROUP)
    progress = MarketProgress(MarketDetector(CONFIG, [0, 1]), -1, WaitingSources([0, 1]))
    owned = OwnedPartition(0, 1, progress)
    result = stage._apply(owned, [record])
    assert_deliverable(result.records)
    # What was taken in is judged, and stored, without a word.
    for source in (0, 1):
        progress.detector.heartbeat(LATEST_MS - 1_000, source)
    stage._changes(progress)


@settings(max_examples=examples(300), deadline=None)
@given(records(), st.sampled_from(sorted({table.name for table in TABLES.values()} - {""})))
def test_the_sink_makes_a_row_or_a_refusal(record: Any, name: str) -> None:
    table = next(table for table in TABLES.values() if table.name == name)
    if record.value is None:
        return
    encoded = encode_rows(table, [record])
    assert len(encoded.records) + len(encoded.refusals) == 1
    assert len(encode_refusals(encoded.refusals).records) == len(encoded.refusals)
    if table is RAW_FRAMES:
        assert not encoded.refusals


@settings(max_examples=examples(200), deadline=None)
@given(records(), st.sampled_from([-1, 0, NOW_MS * 1_000, 2**63 - 1]))
def test_a_rejection_keeps_its_reason_in_clickhouse_whatever_its_time(
    record: Any, received_at_ms: int
) -> None:
    for made in normalized(record):
        if made.topic != TOPICS.rejected:
            continue
        document = orjson.loads(made.value or b"") | {"received_at_ms": received_at_ms}
        stored = SimpleNamespace(
            topic=TOPICS.rejected,
            partition=0,
            offset=1,
            timestamp=NOW_MS,
            value=orjson.dumps(document),
            headers=(),
        )
        assert not encode_rows(REJECTED, [stored]).refusals


@settings(max_examples=examples(300), deadline=None)
@given(st.dictionaries(keys | st.binary(max_size=12), st.none() | st.binary(max_size=80)))
@example({b"1|BTC": b"\x00" * 8 + b"\x05[]", b"%d|BTC" % 10**30: b"x"})
def test_a_state_topic_may_hold_anything(entries: dict[bytes | None, bytes | None]) -> None:
    stored = sort_entries(entries.items())
    detector = PartitionDetector(CONFIG)
    restored = RestoredState(0, stored.epoch + 1, stored.versions)
    restored.restore(lambda snapshots: detector.restore(snapshots, 0))
    assert restored.snapshots.keys() | restored.lost.keys() == stored.versions.keys()
    assert detector.assets == restored.snapshots.keys()


@settings(max_examples=examples(200), deadline=None)
@given(bodies)
def test_contract_metadata_is_read_or_left_out(value: bytes | None) -> None:
    instrument = parsed(value)
    if instrument is not None:
        BOOK.updated([instrument])
