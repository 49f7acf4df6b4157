"""A worker whose partitions another process takes over."""

import asyncio
from typing import Any

from prometheus_client import REGISTRY

from liq.producers.history.run import _Worker
from liq.runtime.metrics import POLL_BEHIND
from liq.runtime.settings import Settings


def test_a_worker_that_has_lost_its_partitions_is_behind_with_no_poll() -> None:
    nothing: Any = None
    labels = {"exchange": "okx", "feed": "public-completion"}
    POLL_BEHIND.labels(**labels).set(9_000)
    asyncio.run(_Worker(Settings(), nothing, nothing).forget())
    assert REGISTRY.get_sample_value("liq_poll_behind_seconds", labels) is None
