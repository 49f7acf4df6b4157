import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from liq.processors.stages import checkpoints as checkpoints_module
from liq.processors.stages.checkpoints import Checkpoints, Snapshot
from liq.runtime.metrics import CHECKPOINT_AGE
from liq.runtime.sending import OutputRecord

AT_ONCE = 0.0001
NEVER = 1_000.0
TOPIC = "liquidations.detector-state"
NOTES = {0: "a note"}


class Journal:
    """Stands for Kafka and the stage's state; notes in which order what happens to them."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.acknowledge_state: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.captured = asyncio.Event()

    async def deliver(self, records: Sequence[OutputRecord]) -> None:
        self.order.append(f"state of {len(records)}")
        await self.acknowledge_state

    def capture(self) -> Snapshot:
        self.order.append("captured")
        self.captured.set()
        record = OutputRecord("state", b"BTC", b"snapshot")
        return Snapshot([record], lambda: self.order.append("written"))


def sent() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_alerts_come_before_snapshots_and_snapshots_before_offsets() -> None:
    journal = Journal()
    checkpoints = Checkpoints(journal, journal.capture, AT_ONCE, TOPIC)  # type: ignore[arg-type]
    alerts = sent()
    safe = checkpoints.add(alerts, NOTES)
    await journal.captured.wait()
    await settle()
    assert (journal.order, safe.done()) == (["captured"], False)
    alerts.set_result(None)
    await settle()
    assert (journal.order, safe.done()) == (["captured", "state of 1"], False)
    journal.acknowledge_state.set_result(None)
    assert await safe == NOTES
    assert journal.order == ["captured", "state of 1", "written"]


async def test_one_checkpoint_holds_all_batches_before_it_and_none_after() -> None:
    journal = Journal()
    journal.acknowledge_state.set_result(None)
    checkpoints = Checkpoints(journal, journal.capture, NEVER, TOPIC)  # type: ignore[arg-type]
    batches = [sent() for _ in range(3)]
    first, second = checkpoints.add(batches[0], NOTES), checkpoints.add(batches[1], NOTES)
    checkpoints.hurry()
    await journal.captured.wait()
    later = checkpoints.add(batches[2], NOTES)
    for alerts in batches:
        alerts.set_result(None)
    assert await asyncio.gather(first, second) == [NOTES, NOTES]
    await settle()
    assert not later.done()
    assert journal.order.count("captured") == 1
    checkpoints.hurry()
    assert await later == NOTES


async def test_nothing_is_captured_between_applying_a_batch_and_sending_what_it_gave() -> None:
    journal = Journal()
    journal.acknowledge_state.set_result(None)
    checkpoints = Checkpoints(journal, journal.capture, AT_ONCE, TOPIC)  # type: ignore[arg-type]
    done = sent()
    done.set_result(None)
    safe = checkpoints.add(done, NOTES)
    async with checkpoints.applying:
        checkpoints.hurry()
        await settle()
        assert journal.order == []
    assert await safe == NOTES


async def test_batches_of_partitions_that_were_taken_away_are_given_up() -> None:
    journal = Journal()
    checkpoints = Checkpoints(journal, journal.capture, NEVER, TOPIC)  # type: ignore[arg-type]
    safe = checkpoints.add(sent(), NOTES)
    checkpoints.drop()
    assert await safe is None
    assert journal.order == []


@pytest.mark.parametrize("refused", ["alerts", "state"])
async def test_a_refused_record_fails_the_batch(refused: str) -> None:
    journal = Journal()
    checkpoints = Checkpoints(journal, journal.capture, AT_ONCE, TOPIC)  # type: ignore[arg-type]
    alerts = sent()
    safe = checkpoints.add(alerts, NOTES)
    await journal.captured.wait()
    if refused == "alerts":
        alerts.set_exception(ValueError("refused"))
    else:
        alerts.set_result(None)
        journal.acknowledge_state.set_exception(ValueError("refused"))
    with pytest.raises(ValueError, match="refused"):
        await safe
    assert "written" not in journal.order


async def test_what_is_passed_on_is_acknowledged_before_the_own_snapshots_are_written() -> None:
    journal = Journal()

    def capture() -> Snapshot:
        whole = journal.capture()
        moved = [OutputRecord("state", b"moved", b"snapshot")] * 2
        return Snapshot(whole.records, whole.written, moved)

    checkpoints = Checkpoints(journal, capture, AT_ONCE, TOPIC)  # type: ignore[arg-type]
    alerts = sent()
    alerts.set_result(None)
    safe = checkpoints.add(alerts, NOTES)
    await journal.captured.wait()
    await settle()
    assert (journal.order, safe.done()) == (["captured", "state of 2"], False)
    journal.acknowledge_state.set_result(None)
    assert await safe == NOTES
    assert journal.order == ["captured", "state of 2", "state of 1", "written"]


async def test_the_age_of_a_checkpoint_grows_until_its_snapshots_are_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A state topic that acknowledges nothing, and a batch that is applied meanwhile."""
    clock = [1_000.0]
    monkeypatch.setattr(checkpoints_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    journal = Journal()
    checkpoints = Checkpoints(journal, journal.capture, NEVER, TOPIC)  # type: ignore[arg-type]

    def shown() -> float:
        [sample] = (
            sample
            for family in CHECKPOINT_AGE.collect()
            for sample in family.samples
            if sample.labels == {"topic": TOPIC}
        )
        return sample.value

    assert shown() == 0
    alerts = sent()
    alerts.set_result(None)
    first = checkpoints.add(alerts, NOTES)
    checkpoints.hurry()
    await journal.captured.wait()
    clock[0] += 40
    later = checkpoints.add(alerts, NOTES)
    clock[0] += 50
    assert shown() == 90
    journal.acknowledge_state.set_result(None)
    await first
    assert shown() == 50
    checkpoints.drop()
    assert await later is None
    assert shown() == 0
