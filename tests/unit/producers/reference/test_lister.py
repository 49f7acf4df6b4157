"""When venues are listed: regularly, when asked, and never more often than allowed."""

import asyncio
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest

from liq.producers.reference import lister as module
from liq.producers.reference.lister import ContractLister
from liq.producers.reference.sources import ContractSource, SourceError
from liq.producers.reference.timing import DEFAULT_TIMING, ReferenceTiming
from liq.runtime.health import Health
from liq.runtime.retry import BackoffPolicy
from liq.schemas.records import Instrument

SOURCE: Final = ContractSource(
    exchange="okx",
    address="http://127.0.0.1:9",
    parse=lambda _answer, _as_of: [],
    lists=lambda _contract: True,
    family_of=lambda symbol: symbol,
)
FAST: Final = replace(
    DEFAULT_TIMING,
    ask_seconds=0.3,
    backoff=BackoffPolicy(first_seconds=0.05, longest_seconds=0.1),
)
LONGEST_SECONDS: Final = 10.0


class Known:
    """Nothing is known, and nothing is published."""

    def of(self, _exchange: str) -> dict[str, Instrument]:
        return {}

    def newest_as_of(self, _exchange: str) -> str:
        return ""


def new_lister(timing: ReferenceTiming, *sources: ContractSource) -> ContractLister:
    stand_ins: Any = {"known": Known(), "producer": None, "report": None}
    return ContractLister(sources, health=Health(), timing=timing, slot="test", **stand_ins)


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When a venue was asked, which never answers."""
    found: list[float] = []

    async def fetch(_source: ContractSource, _as_of: str) -> list[Instrument]:
        found.append(time.monotonic())
        raise SourceError("no answer")

    monkeypatch.setattr(module, "fetch_contracts", fetch)
    return found


async def until_listed(lister: ContractLister, times: list[float], count: int) -> None:
    async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as group:
        running = group.create_task(lister.run())
        while len(times) < count:  # noqa: ASYNC110 - the list is all that the test has
            await asyncio.sleep(0)
        running.cancel()


async def test_without_a_venue_to_list_the_worker_goes_on() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await new_lister(FAST).run()


async def test_a_listing_that_failed_is_tried_again(times: list[float]) -> None:
    await until_listed(new_lister(FAST, SOURCE), times, 4)


async def test_the_first_question_is_answered_at_once_and_later_ones_in_their_turn(
    times: list[float],
) -> None:
    patient = replace(FAST, backoff=DEFAULT_TIMING.backoff)
    lister = new_lister(patient, SOURCE)
    async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as group:
        running = group.create_task(lister.run())
        while len(times) < 4:
            lister.ask("okx")
            lister.ask("unknown")
            await asyncio.sleep(0)
        running.cancel()
    gaps = [later - earlier for earlier, later in pairwise(times[1:])]
    # A busy machine starts a question late, and so the next one sooner after it.
    assert min(gaps) >= patient.ask_seconds * 0.5
    assert lister.succeeded_since("okx", 0) == 0
