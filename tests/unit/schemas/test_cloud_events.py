"""CloudEvents headers: each attribute from its field, the same for the same record."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from liq.schemas.cloud_events import (
    EXTENSIONS,
    OPTIONAL,
    REQUIRED,
    alert_headers,
    feed_headers,
    liquidation_headers,
    status_headers,
)
from liq.schemas.codec import decode, encode
from liq.schemas.records import CascadeAlert, DetectionStatus, FeedStatus, Liquidation
from liq.schemas.vocabulary import AlertType, FeedEvent
from tests.support.paths import EXAMPLES

Record = TypeVar("Record", Liquidation, CascadeAlert, FeedStatus, DetectionStatus)

CONSTANT = {"ce_specversion": b"1.0", "content-type": b"application/json"}


def example(record_type: type[Record], name: str) -> Record:
    return decode(record_type, (EXAMPLES / f"{record_type.__name__}.{name}.json").read_bytes())


EVENT = example(Liquidation, "binance")
ALERT = example(CascadeAlert, "detected")
STATUS = example(FeedStatus, "gap")
PROGRESS = example(DetectionStatus, "behind")


def rfc_3339(timestamp_ms: int) -> bytes:
    moment = datetime.fromtimestamp(timestamp_ms // 1000, UTC)
    text = moment.replace(microsecond=timestamp_ms % 1000 * 1000).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").encode()


def test_headers_of_a_liquidation() -> None:
    assert dict(liquidation_headers(EVENT)) == CONSTANT | {
        "ce_id": EVENT.event_id.encode(),
        "ce_source": b"/liquidation-engine/exchanges/binance",
        "ce_type": b"liquidation-engine.liquidation.v1",
        "ce_time": rfc_3339(EVENT.timestamp_ms),
        "ce_subject": EVENT.symbol.encode(),
        "ce_side": b"SHORT",
    }


def test_headers_of_an_alert() -> None:
    assert dict(alert_headers(ALERT)) == CONSTANT | {
        "ce_id": ALERT.alert_id.encode(),
        "ce_source": b"/liquidation-engine/detector",
        "ce_type": b"liquidation-engine.cascade.detected.v1",
        "ce_time": rfc_3339(ALERT.timestamp_ms),
        "ce_subject": ALERT.asset.encode(),
        "ce_side": b"SHORT",
        "ce_level": b"minor",
    }


def test_an_alert_of_the_whole_market_has_no_subject() -> None:
    assert "ce_subject" not in dict(alert_headers(example(CascadeAlert, "market")))


def test_headers_of_a_feed_record() -> None:
    headers = dict(feed_headers(STATUS, encode(STATUS)))
    assert len(headers.pop("ce_id")) == 32
    assert headers == CONSTANT | {
        "ce_source": b"/liquidation-engine/feeds/" + STATUS.exchange.encode(),
        "ce_type": b"liquidation-engine.feed.gap.v1",
        "ce_time": rfc_3339(STATUS.timestamp_ms),
        "ce_subject": STATUS.feed.encode(),
    }


def test_headers_of_a_detection_status() -> None:
    assert dict(status_headers(PROGRESS)) == CONSTANT | {
        "ce_id": f"{PROGRESS.worker}:{PROGRESS.timestamp_ms}".encode(),
        "ce_source": b"/liquidation-engine/detector",
        "ce_type": b"liquidation-engine.detection.status.v1",
        "ce_time": rfc_3339(PROGRESS.timestamp_ms),
        "ce_subject": PROGRESS.worker.encode(),
    }


def test_a_feed_record_has_its_own_id_however_little_differs() -> None:
    other = replace(STATUS, detail=f"{STATUS.detail}.")
    ids = [dict(feed_headers(each, encode(each)))["ce_id"] for each in (STATUS, STATUS, other)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("step", AlertType)
def test_every_step_of_a_cascade_has_a_type_of_its_own(step: AlertType) -> None:
    word = step.removeprefix("CASCADE_").lower()
    kind = dict(alert_headers(replace(ALERT, type=step)))["ce_type"]
    assert kind == f"liquidation-engine.cascade.{word}.v1".encode()


@pytest.mark.parametrize("event", FeedEvent)
def test_every_feed_event_has_a_type_of_its_own(event: FeedEvent) -> None:
    status = replace(STATUS, event=event)
    kind = dict(feed_headers(status, encode(status)))["ce_type"]
    assert kind == f"liquidation-engine.feed.{event.value}.v1".encode()


def test_another_schema_version_is_another_type() -> None:
    headers = dict(liquidation_headers(replace(EVENT, schema_version=2)))
    assert headers["ce_type"] == b"liquidation-engine.liquidation.v2"


@pytest.mark.parametrize(
    ("timestamp_ms", "text"),
    [
        (0, b"1970-01-01T00:00:00.000Z"),
        (1_783_528_952_067, b"2026-07-08T16:42:32.067Z"),
        (1_783_528_979_999, b"2026-07-08T16:42:59.999Z"),
        (253_402_300_799_999, b"9999-12-31T23:59:59.999Z"),
    ],
)
def test_time_has_milliseconds_and_is_utc(timestamp_ms: int, text: bytes) -> None:
    assert dict(liquidation_headers(replace(EVENT, timestamp_ms=timestamp_ms)))["ce_time"] == text


@pytest.mark.parametrize("timestamp_ms", [-1, 253_402_300_800_000, 10**30])
def test_a_time_that_cannot_be_written_is_left_out(timestamp_ms: int) -> None:
    """The time of a feed record comes from a header that anybody could have written."""
    status = replace(STATUS, timestamp_ms=timestamp_ms)
    assert "ce_time" not in dict(feed_headers(status, b"{}"))


def test_a_source_is_a_uri_whatever_the_exchange_is_called() -> None:
    status = replace(STATUS, exchange="ä b/c")
    headers = dict(feed_headers(status, encode(status)))
    assert headers["ce_source"] == b"/liquidation-engine/feeds/%C3%A4%20b%2Fc"


def test_each_attribute_stands_once_and_none_else() -> None:
    for record, headers in (
        (EVENT, liquidation_headers(EVENT)),
        (ALERT, alert_headers(ALERT)),
        (STATUS, feed_headers(STATUS, encode(STATUS))),
        (PROGRESS, status_headers(PROGRESS)),
    ):
        names = [name for name, _ in headers]
        extensions = EXTENSIONS.get(type(record), ())
        assert sorted(names) == sorted((*REQUIRED, *OPTIONAL, *extensions))
