"""`liq topics` shows what differs, and alters it when asked to."""

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import describe_topics, ensure_topics
from tests.support.operator_of_kafka import create_topic

if TYPE_CHECKING:
    from tests.conftest import MakeSettings, RunWorker

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

EXCHANGES = ("okx",)


@pytest.fixture
def settings(make_settings: "MakeSettings") -> Settings:
    return make_settings(exchanges=EXCHANGES, topic_partitions=2)


async def test_a_difference_is_shown_until_it_is_applied(
    settings: Settings, run_worker: "RunWorker"
) -> None:
    name = settings.topics.cascades
    await create_topic(settings, name, {"retention.ms": "86400000", "flush.messages": "7"})
    await ensure_topics(settings, EXCHANGES)
    shown = run_worker("topics", "--check", settings=settings, is_task=True)
    assert shown.wait() == 0
    assert f"{name}: retention.ms is 86400000, wanted 31536000000" in shown.log
    assert "liq topics --apply" in shown.log
    applied = run_worker("topics", "--apply", settings=settings, is_task=True)
    assert applied.wait() == 0
    assert f"{name}: retention.ms was 86400000, is 31536000000" in applied.log
    assert "wanted" not in applied.log
    [state] = [
        each for each in await describe_topics(settings, EXCHANGES) if each.spec.name == name
    ]
    assert state.configs["flush.messages"] == "7"


async def test_what_cannot_be_altered_is_said(
    make_settings: "MakeSettings", settings: Settings, run_worker: "RunWorker"
) -> None:
    await ensure_topics(settings, EXCHANGES)
    other = make_settings(exchanges=EXCHANGES, topic_partitions=3)
    shown = run_worker("topics", "--check", settings=other, is_task=True)
    assert shown.wait() == 0
    assert f"{settings.topics.events}: partitions is 2, wanted 3" in shown.log
    assert "--apply alters neither partitions" in shown.log
    assert run_worker("topics", "--apply", settings=other, is_task=True).wait() == 78


def test_checking_and_applying_exclude_each_other(
    settings: Settings, run_worker: "RunWorker"
) -> None:
    both = run_worker("topics", "--check", "--apply", settings=settings, is_task=True)
    assert both.wait() == 2


async def test_the_ends_of_logs_are_found_in_a_cluster_that_has_them(
    settings: Settings, run_worker: "RunWorker", tmp_path: Path
) -> None:
    await ensure_topics(settings, EXCHANGES)
    producer = new_producer(settings, "test")
    await producer.start()
    for number in range(5):
        await producer.send_and_wait(
            settings.topics.cascades, b"%d" % number, key=b"k", headers=[("level", b"minor")]
        )
    await producer.send_and_wait(settings.topics.detector_state, b"1", key=b"epoch")
    await producer.stop()
    shown = run_worker("topics", "ends", settings=settings, is_task=True)
    assert shown.wait() == 0
    [line] = shown.log.splitlines()
    assert orjson.loads(line)["topic"] == settings.topics.cascades
    file = tmp_path / "ends.txt"
    file.write_text(f"{line}\n")
    arguments = ("topics", "ends", "--expect", str(file))
    found = run_worker(*arguments, settings=settings, is_task=True)
    assert found.wait() == 0
    assert "The last records of all 1 partitions are in this cluster." in found.log
    file.write_text(line.replace('"digest":"', '"digest":"0') + "\n")
    missing = run_worker(*arguments, settings=settings, is_task=True)
    assert missing.wait() == 69
    assert "1 of 1 partitions lack the last record of the other cluster" in missing.log
    file.write_text('{"topic":"events"}\n')
    assert run_worker(*arguments, settings=settings, is_task=True).wait() == 78
