"""The sink as a separate process that kills itself, with settings from the environment.

With DIES_AT=STEP:COUNT, it kills itself (SIGKILL) the COUNT-th time that it reaches a step:
before_insert, during_insert, after_insert, before_commit or after_commit. This module wraps the
libraries' calls, so that the sink has no code for it.
"""

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer
from clickhouse_connect.driver.httpclient import HttpClient

from liq.runtime.health import Health
from liq.runtime.logs import configure_logging
from liq.runtime.settings import load_settings
from liq.sinks.clickhouse.destination import ClickHouseDestination
from liq.sinks.worker import run

LONGEST_INSERT_SECONDS = 0.03
FOREVER_SECONDS = 3600


class Death:
    """The death of the process at a step, the given time the step is reached."""

    def __init__(self, order: str) -> None:
        self._step, _, count = order.partition(":")
        self._remaining = int(count)

    def at(self, step: str) -> None:
        """Kill the process if this is the step and the time."""
        if self._is_due(step):
            _die()

    def during(self, step: str) -> bool:
        """Kill the process soon if this is the step and the time; return whether it is."""
        if not self._is_due(step):
            return False
        delay = random.uniform(0, LONGEST_INSERT_SECONDS)  # noqa: S311 - a moment, not a secret
        threading.Timer(delay, _die).start()
        return True

    def _is_due(self, step: str) -> bool:
        self._remaining -= step == self._step
        return step == self._step and self._remaining == 0


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _surround(death: Death) -> None:
    insert: Callable[..., Any] = HttpClient.raw_insert
    commit: Callable[..., Any] = AIOKafkaConsumer.commit

    def mortal_insert(*arguments: Any, **options: Any) -> Any:
        death.at("before_insert")
        is_dying = death.during("during_insert")
        summary = insert(*arguments, **options)
        if is_dying:
            time.sleep(FOREVER_SECONDS)
        death.at("after_insert")
        return summary

    async def mortal_commit(*arguments: Any) -> None:
        death.at("before_commit")
        await commit(*arguments)
        death.at("after_commit")

    HttpClient.raw_insert = mortal_insert  # type: ignore[method-assign]
    AIOKafkaConsumer.commit = mortal_commit


async def _main() -> None:
    settings = load_settings()
    configure_logging(settings)
    if "DIES_AT" in os.environ:
        _surround(Death(os.environ["DIES_AT"]))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run(settings, Health(), stop, ClickHouseDestination(settings))


if __name__ == "__main__":
    asyncio.run(_main())
