"""A processing worker as a separate process with one fault; the argument is `STAGE`.

MISHAP=KIND:COUNT affects the COUNT-th batch of records to send:

fail   sending raises, as for a record that is too large for any request
lose   the acknowledgement raises, as when Kafka rejects a batch
slow   the batch is sent once the file HOLD is deleted, and acknowledged even later
hang   the acknowledgement never arrives

The line `mishap` in the log reports the fault. STOP_LIMIT_SECONDS shortens the worker's own limit.
This module wraps the engine's functions, so that the engine has no code for it.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    send = Output.send

    async def unlucky(self: Output, records: Sequence[OutputRecord]) -> asyncio.Future[Any]:
        nonlocal remaining
        remaining -= 1 if records else 0
        if remaining == 0 and records:
            remaining = -1
            get_logger(__name__).warning(STRUCK, kind=kind, records=len(records))
            if kind == "fail":
                raise KafkaError("a delivery that fails")
            return asyncio.ensure_future(struck(self, records))
        return await send(self, records)

    async def struck(self: Output, records: Sequence[OutputRecord]) -> Any:
        if kind == "lose":
            raise KafkaError("a delivery that is refused")
        if kind == "hang":
            await asyncio.Event().wait()
        while _is_held():  # noqa: ASYNC110 - a file is all that the test has
            await asyncio.sleep(POLL_SECONDS)
        return await (await send(self, records))

    Output.send = unlucky  # type: ignore[method-assign]


def _is_held() -> bool:
    return Path(os.environ["HOLD"]).exists()


def main() -> None:
    """Run until a signal, or until the fault ends the process."""
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
