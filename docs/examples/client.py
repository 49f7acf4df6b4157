"""Prints every cascade alert once, and what silence means; with the client of the schemas.

Needs `liquidation-schemas[client]`, nothing of the engine.
"""

import asyncio
import os
import sys

from liq.schemas import CascadeAlert
from liq.schemas.client import Horizon, Liveness, Oldest, Reader

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
ALERTS = os.environ.get("ALERTS_TOPIC", "liquidations.cascades")
STATUS = os.environ.get("STATUS_TOPIC", "liquidations.status")


async def main() -> None:
    async with (
        Horizon(STATUS, bootstrap_servers=SERVERS) as horizon,
        Reader(
            CascadeAlert, ALERTS, bootstrap_servers=SERVERS, group="alert-client", start=Oldest()
        ) as reader,
    ):
        async for received in reader:
            alert = received.record
            print(
                alert.type, alert.asset, alert.side, alert.total_value_usd, alert.level, flush=True
            )
            if horizon.liveness is not Liveness.ALIVE:
                print("detection:", horizon.liveness, horizon.decided_until_ms, file=sys.stderr)


asyncio.run(main())
