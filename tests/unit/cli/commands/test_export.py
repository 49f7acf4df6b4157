from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from liq.cli.commands.export import _line
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.headers import CLOCK_MS, FrameHeaders
from tests.support.cascade_events import START_MS, liquidation

SETTINGS = Settings()
EVENTS = SETTINGS.topics.events
HOUR_MS = 3_600_000


def line(topic: str, value: bytes | None, *headers: tuple[str, bytes]) -> Any:
    record = SimpleNamespace(
        topic=topic, partition=0, offset=1, value=value, headers=headers, timestamp=START_MS
    )
    written = _line(SETTINGS, record)
    return None if written is None else orjson.loads(written)


def test_an_event_is_exported_as_it_is() -> None:
    event = encode(liquidation("a", 0))
    record = SimpleNamespace(topic=EVENTS, value=event, headers=(), timestamp=START_MS)
    assert _line(SETTINGS, record) == event


def test_what_detection_did_not_believe_is_exported_as_it_was_believed() -> None:
    ahead = encode(replace(liquidation("a", 0), received_at_ms=START_MS + HOUR_MS))
    assert line(EVENTS, ahead) == {**orjson.loads(ahead), "received_at_ms": START_MS}
    heartbeat = (CLOCK_MS, b"%d" % (START_MS + HOUR_MS))
    assert line(EVENTS, None, heartbeat) == {CLOCK_MS: START_MS}
    headers = FrameHeaders("okx", "public", (START_MS + HOUR_MS) * 1_000_000, "c", 0).encode()
    frame = line(SETTINGS.topics.raw("okx"), b"{}", *headers)
    assert frame["received_at_ns"] == START_MS * 1_000_000


@pytest.mark.parametrize("text", [b"0", b"9" * 30, b""])
def test_a_heartbeat_without_a_time_is_left_out(text: bytes) -> None:
    assert line(EVENTS, None, (CLOCK_MS, text)) is None


def test_a_clock_in_a_raw_topic_is_no_capture_line() -> None:
    clock = (CLOCK_MS, b"%d" % START_MS)
    assert line(SETTINGS.topics.raw("okx"), None, clock) is None


@pytest.mark.parametrize("value", [b"no JSON", b"[]", b"{}", b'{"received_at_ms":"x"}'])
def test_what_is_no_event_is_exported_for_the_detector_to_refuse(value: bytes) -> None:
    record = SimpleNamespace(topic=EVENTS, value=value, headers=(), timestamp=START_MS)
    assert _line(SETTINGS, record) == value
