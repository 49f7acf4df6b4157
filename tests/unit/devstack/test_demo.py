"""A demo that stands still names the stage that is behind; a slow one goes on."""

from collections.abc import Iterator

import pytest

from liq.devstack import demo
from liq.runtime.errors import DependencyError


async def behind() -> str:
    return "detect has 1,200 records to go"


async def test_a_stage_that_stands_still_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "STALLED_SECONDS", 0.0)
    monkeypatch.setattr(demo, "POLL_SECONDS", 0.0)

    async def done() -> bool:
        return False

    async def amount() -> tuple[float, ...]:
        return (3.0,)

    with pytest.raises(DependencyError, match=r"detect has 1,200 records to go; see .*logs"):
        await demo._until(done, amount, behind)


async def test_any_progress_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "STALLED_SECONDS", 0.0)
    monkeypatch.setattr(demo, "POLL_SECONDS", 0.0)
    ends: Iterator[bool] = iter([False] * 50 + [True])
    amounts = iter(range(50))

    async def done() -> bool:
        return next(ends)

    async def amount() -> tuple[float, ...]:
        return (float(next(amounts)),)

    await demo._until(done, amount, behind)
