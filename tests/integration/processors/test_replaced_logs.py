"""Topics that are deleted, made again or truncated, and offsets that an operator moves."""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest

from liq.devstack.progress import PipelineProgress
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import decode
from liq.schemas.records import CascadeAlert, FeedStatus, Liquidation
from liq.schemas.vocabulary import AlertType, Caveat, FeedEvent
from tests.conftest import RunWorker
from tests.support import log_clock
from tests.support.cascade_events import START_MS, liquidation
from tests.support.pipeline_log import offline_alerts, read_topic, values
from tests.support.topic_operations import (
    Target,
    delete_topics,
    has_topic_ids,
    offsets_at,
    overwrite_snapshots,
    reset_offsets,
    truncate,
)

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

WaitUntil = Callable[[Callable[[], bool]], None]

BASES = tuple(f"A{number}" for number in range(10))  # a market cascade needs eight
QUIET_MS = 200_000


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings()
    asyncio.run(ensure_topics(made, ()))
    if not asyncio.run(has_topic_ids(made)):
        pytest.skip(
            "the embedded broker has no topic ids to tell logs apart; run with KAFKA=apache"
        )
    return made


def burst(name: str, first_ms: int, seconds: int = 10) -> list[Liquidation]:
    """Four liquidations a second of each asset: enough for cascades of all and of the market."""
    return [
        liquidation(
            sha256(f"{name} {base} {at_ms}".encode()).hexdigest()[:32],
            first_ms + at_ms,
            exchange=("bybit", "okx")[at_ms // 250 % 2],
            base=base,
        )
        for at_ms in range(0, seconds * 1_000, 250)
        for base in BASES
    ]


def publish(settings: Settings, events: Sequence[Liquidation], until_ms: int) -> None:
    """Publish events and then the clock, which is `until_ms` after `START_MS`."""
    asyncio.run(log_clock.publish(settings, events, START_MS + until_ms))


def alerts(settings: Settings) -> dict[str, CascadeAlert]:
    """The published alerts by id; a repeat must be the same record."""
    found: dict[str, CascadeAlert] = {}
    for value in values(settings, settings.topics.cascades):
        alert = decode(CascadeAlert, value)
        assert found.setdefault(alert.alert_id, alert) == alert
    return found


def of_type(settings: Settings, kind: AlertType) -> set[str]:
    return {each.cascade_id for each in alerts(settings).values() if each.type is kind}


def gaps(settings: Settings) -> set[str]:
    """The topics of which a gap was published."""
    records = [decode(FeedStatus, value) for value in values(settings, settings.topics.feeds)]
    return {record.feed for record in records if record.event is FeedEvent.GAP}


def is_detected(settings: Settings) -> bool:
    async def lag() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag("detect", [settings.topics.events, settings.topics.pulse])

    return asyncio.run(lag()) == 0


def open_cascades(settings: Settings, wait_until: WaitUntil) -> set[str]:
    """Publish a burst and wait until every asset and the market have an open cascade."""
    publish(settings, burst("first", 0), 10_500)
    wait_until(lambda: len(of_type(settings, AlertType.DETECTED)) == len(BASES) + 1)
    wait_until(lambda: is_detected(settings))
    assert not of_type(settings, AlertType.ENDED)
    return of_type(settings, AlertType.DETECTED)


@pytest.mark.parametrize("case", ["running", "stopped", "stopped until the new log is long"])
def test_events_that_are_deleted_and_made_again_are_a_new_log(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil, case: str
) -> None:
    worker = run_worker("process", "detect", settings=settings)
    opened = open_cascades(settings, wait_until)
    before = alerts(settings)
    if case != "running":
        worker.stop()
    asyncio.run(delete_topics(settings, settings.topics.events))
    asyncio.run(ensure_topics(settings, ()))
    if case == "stopped":
        run_worker("process", "detect", settings=settings)
    # Its times go back, and it is longer than the old one.
    publish(settings, burst("second", -400_000, 20), -400_000 + QUIET_MS)
    if case == "stopped until the new log is long":
        run_worker("process", "detect", settings=settings)
    expected = {
        alert.alert_id: alert
        for alert in (decode(CascadeAlert, line) for line in offline_alerts(settings))
    }
    assert {each.type for each in expected.values()} >= {AlertType.DETECTED, AlertType.ENDED}
    wait_until(lambda: alerts(settings).keys() >= expected.keys())
    wait_until(lambda: is_detected(settings))
    found = alerts(settings)
    early = {each.cascade_id for each in found.values() if each.caveat is Caveat.LOG_REPLACED}
    assert early == opened
    rest = {name: each for name, each in found.items() if each.caveat is None}
    assert rest == before | expected
    assert settings.topics.events in gaps(settings)


@pytest.mark.parametrize("is_running", [True, False])
def test_lost_state_is_rebuilt_and_ends_what_is_open(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil, *, is_running: bool
) -> None:
    topics = settings.topics
    worker = run_worker("process", "detect", settings=settings)
    opened = open_cascades(settings, wait_until)
    if not is_running:
        worker.stop()
    asyncio.run(delete_topics(settings, topics.detector_state, topics.market_state))
    asyncio.run(ensure_topics(settings, ()))
    if not is_running:
        run_worker("process", "detect", settings=settings)
    publish(settings, [], QUIET_MS)
    wait_until(lambda: of_type(settings, AlertType.ENDED) == opened)
    wait_until(lambda: is_detected(settings))
    found = alerts(settings)
    offline = {decode(CascadeAlert, line).alert_id for line in offline_alerts(settings)}
    assert found.keys() == offline
    ends = [each for each in found.values() if each.type is AlertType.ENDED]
    if is_running:
        assert {each.caveat for each in ends} == {None}
    else:
        assert {each.caveat for each in ends} == {Caveat.REBUILT}
        assert gaps(settings) == {topics.detector_state, topics.market_state}


def test_truncated_logs_are_the_same_logs(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    run_worker("process", "detect", settings=settings)
    opened = open_cascades(settings, wait_until)
    for topic in (settings.topics.events, settings.topics.pulse):
        asyncio.run(truncate(settings, topic))
    publish(settings, [], QUIET_MS)
    wait_until(lambda: of_type(settings, AlertType.ENDED) == opened)
    assert {each.caveat for each in alerts(settings).values()} == {None}


def test_a_pulse_topic_that_is_made_again_ends_the_market_cascade(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    run_worker("process", "detect", settings=settings)
    open_cascades(settings, wait_until)
    asyncio.run(delete_topics(settings, settings.topics.pulse))
    asyncio.run(ensure_topics(settings, ()))
    publish(settings, [], QUIET_MS)
    wait_until(lambda: len(of_type(settings, AlertType.ENDED)) == len(BASES) + 1)
    (early,) = [each for each in alerts(settings).values() if each.caveat is not None]
    assert (early.asset, early.caveat) == ("", Caveat.LOG_REPLACED)
    # The market is judged again.
    publish(settings, burst("second", 1_000_000), 1_000_000 + QUIET_MS)
    wait_until(lambda: len(of_type(settings, AlertType.ENDED)) == 2 * (len(BASES) + 1))
    assert settings.topics.pulse in gaps(settings)


@pytest.mark.parametrize("target", Target)
def test_offsets_that_an_operator_resets_repeat_the_same_alerts(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil, target: Target
) -> None:
    topics = settings.topics
    worker = run_worker("process", "detect", settings=settings)
    open_cascades(settings, wait_until)
    publish(settings, burst("second", 20_000), 30_500)
    wait_until(lambda: is_detected(settings))
    worker.stop()
    asyncio.run(reset(settings, target))
    run_worker("process", "detect", settings=settings)
    publish(settings, burst("third", 1_000_000), 1_000_000 + QUIET_MS)
    expected = {decode(CascadeAlert, line).alert_id for line in offline_alerts(settings)}
    wait_until(lambda: alerts(settings).keys() >= expected)
    wait_until(lambda: is_detected(settings))
    assert alerts(settings).keys() == expected
    assert not gaps(settings)
    assert read_topic(settings, topics.rejected) == {}


async def reset(settings: Settings, target: Target) -> None:
    """Move the detecting group in both of its topics."""
    places = await find_partitions(settings, [settings.topics.events, settings.topics.pulse])
    await reset_offsets(settings, "detect", await offsets_at(settings, places, target))


def test_a_snapshot_of_a_newer_release_is_rebuilt(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    topics = settings.topics
    worker = run_worker("process", "detect", settings=settings)
    opened = open_cascades(settings, wait_until)
    worker.stop()
    asyncio.run(overwrite_snapshots(settings, [topics.detector_state, topics.market_state]))
    run_worker("process", "detect", settings=settings)
    publish(settings, [], QUIET_MS)
    wait_until(lambda: of_type(settings, AlertType.ENDED) == opened)
    found = alerts(settings).values()
    assert {each.caveat for each in found} == {None, Caveat.REBUILT}
    assert gaps(settings) == {topics.detector_state, topics.market_state}


def test_one_damaged_snapshot_rebuilds_that_asset_alone(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    topics = settings.topics
    worker = run_worker("process", "detect", settings=settings)
    opened = open_cascades(settings, wait_until)
    worker.stop()
    asyncio.run(overwrite_snapshots(settings, [topics.detector_state], "|A7"))
    run_worker("process", "detect", settings=settings)
    publish(settings, [], QUIET_MS)
    wait_until(lambda: of_type(settings, AlertType.ENDED) == opened)
    found = alerts(settings).values()
    assert {each.asset for each in found if each.caveat is not None} == {"A7"}
    assert {each.caveat for each in found if each.asset == "A7"} == {None, Caveat.REBUILT}
    assert gaps(settings) == {topics.detector_state}


def test_a_changed_threshold_ends_the_cascades_of_before(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    worker = run_worker("process", "detect", settings=settings)
    opened = open_cascades(settings, wait_until)
    worker.stop()
    changed = settings.model_copy(update={"cascade_score_gate": 25.0})
    run_worker("process", "detect", settings=changed)
    publish(settings, [], QUIET_MS)
    wait_until(lambda: is_detected(settings))
    wait_until(lambda: of_type(settings, AlertType.ENDED) == opened)
    ends = [each for each in alerts(settings).values() if each.type is AlertType.ENDED]
    assert {each.caveat for each in ends} == {Caveat.DETECTOR_CHANGED}
