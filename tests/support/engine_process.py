"""A processing worker as a process of its own, with one mishap on its way: `STAGE` as argument.

MISHAP=KIND:COUNT strikes the COUNT-th batch of records that is to be delivered:

fail   the delivery raises, as when Kafka refuses a record
slow   the delivery waits until the file HOLD is gone
hang   the delivery never ends

The line `mishap` in the log says that it struck. STOP_LIMIT_SECONDS shortens the worker's own
limit. All is put around the engine from here, so that it knows nothing of it.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aiokafka.errors import KafkaError

from liq.cli.exchanges import configured_exchanges
from liq.processors.stages.output import Output
from liq.processors.workers import worker
from liq.runtime.health import Health
from liq.runtime.logs import configure_logging, get_logger
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import load_settings

POLL_SECONDS = 0.02
STRUCK = "mishap"


def _surround(order: str) -> None:
    kind, _, count = order.partition(":")
    remaining = int(count)
    deliver = Output.deliver

    async def unlucky(self: Output, records: Sequence[OutputRecord]) -> None:
        nonlocal remaining
        remaining -= 1 if records else 0
        if remaining == 0 and records:
            remaining = -1
            get_logger(__name__).warning(STRUCK, kind=kind, records=len(records))
            if kind == "fail":
                raise KafkaError("a delivery that fails")
            if kind == "hang":
                await asyncio.Event().wait()
            while _is_held():  # noqa: ASYNC110 - a file is all that the test has
                await asyncio.sleep(POLL_SECONDS)
        await deliver(self, records)

    Output.deliver = unlucky  # type: ignore[method-assign]


def _is_held() -> bool:
    return Path(os.environ["HOLD"]).exists()


def main() -> None:
    """Run until a signal, or until the mishap ends it."""
    settings = load_settings()
    configure_logging(settings)
    if "MISHAP" in os.environ:
        _surround(os.environ["MISHAP"])
    if "STOP_LIMIT_SECONDS" in os.environ:
        worker.STOP_LIMIT_SECONDS = float(os.environ["STOP_LIMIT_SECONDS"])
    stage: worker.Stage = "detect" if sys.argv[1] == "detect" else "normalize"
    worker.run(settings, stage, configured_exchanges(settings), Health())


if __name__ == "__main__":
    main()
