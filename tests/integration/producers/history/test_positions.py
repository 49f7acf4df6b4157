"""Snapshots of open positions from a local venue: posted requests, limits, and a breaker."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import Final

import orjson
import pytest

from liq.devstack.local_http import LocalHttp
from liq.processors.normalizers.open_positions import read_snapshot
from liq.producers.history.asker import Asker
from liq.producers.history.positions import PositionPoller
from liq.producers.history.settings import position_sources
from liq.producers.live.listing import new_client
from liq.runtime.retry import BreakerPolicy
from liq.schemas.records import OpenPosition
from tests.support.histories import TIMING, PastClock

pytestmark = pytest.mark.integration

ROW: Final = {
    "account_id": "0xdef", "symbol": "PERP_ETH_USDC", "side": "LONG", "position_qty": "0.5",
    "mark_price": "2688.29", "est_liq_price": "2411.5",
}  # fmt: skip
PATIENT: Final = replace(
    TIMING,
    delay_scale=1.0,
    breaker=BreakerPolicy(
        failures_to_open=2, first_pause_seconds=600.0, longest_pause_seconds=600.0
    ),
)


@dataclass
class Venue:
    """Answers every request by its status, and keeps what was posted."""

    status: int = 200
    body: bytes = orjson.dumps({"success": True, "data": {"rows": [ROW, {**ROW, "side": "?"}]}})
    posted: list[bytes] = field(default_factory=list)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["Content-Length"])
        assert handler.headers["Content-Type"] == "application/json"
        self.posted.append(handler.rfile.read(length))
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)


@dataclass
class FakeLog:
    """Keeps what is published."""

    published: list[OpenPosition] = field(default_factory=list)

    async def positions(self, positions: Iterable[OpenPosition]) -> None:
        self.published.extend(positions)


def poll(venue: Venue, times: int) -> list[OpenPosition]:
    """Poll some times, each time a poll is due."""
    log = FakeLog()

    async def work(address: str) -> None:
        clock = PastClock()
        async with new_client(5.0) as client:
            [source] = position_sources(
                ["orderly"], {"ORDERLY_POSITIONS_URL": f"{address}/query"}, read_snapshot
            )
            poller = PositionPoller(
                replace(source, spec=replace(source.spec, every_seconds=0.0)),
                asker=Asker(clock, PATIENT, client),
                timing=PATIENT,
                clock=clock,
                log=log,  # type: ignore[arg-type]
            )
            for _ in range(times):
                if poller.is_due:
                    await poller.step()

    with LocalHttp(venue.serve) as http:
        asyncio.run(work(http.address))
    return log.published


def test_a_snapshot_is_posted_for_and_its_readable_rows_are_published() -> None:
    venue = Venue()
    [position] = poll(venue, 1)
    assert position.native_symbol == "PERP_ETH_USDC"
    assert [orjson.loads(each)["type"] for each in venue.posted] == ["platformPositions"]


def test_snapshots_stay_within_the_limit_of_the_venue() -> None:
    """Six a minute are declared; the local minute is 0.6 seconds."""
    venue = Venue()
    assert len(poll(venue, 8)) == 8
    assert len(venue.posted) == 8


@pytest.mark.parametrize("status", [404, 503])
def test_a_venue_that_does_not_answer_is_left_alone(status: int) -> None:
    venue = Venue(status=status)
    assert poll(venue, 10) == []
    attempts = 1 if status == 404 else PATIENT.attempts
    assert len(venue.posted) == 2 * attempts


def test_a_limit_opens_the_breaker_at_once() -> None:
    venue = Venue(status=429)
    assert poll(venue, 10) == []
    assert len(venue.posted) == PATIENT.attempts


def test_an_answer_that_is_no_snapshot_publishes_nothing() -> None:
    assert poll(Venue(body=b'{"success": false}'), 3) == []
