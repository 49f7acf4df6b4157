"""The link to exchanges: cut, blackholed, slow, in tiny segments."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from liq.devstack.exchange.server import LocalExchange
from liq.schemas.vocabulary import FeedEvent
from tests.conftest import MakeSettings
from tests.faults.conftest import Run, StartRun, loops, now_ms
from tests.faults.tcp_proxy import Link, TcpProxy
from tests.support.feed_log import FeedLog

# More in a row, and the exchange is left alone for a minute each time.
CUTS = loops(5)
SPOILED_SECONDS = 3 + loops(40)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("broker", "clickhouse"),
]

Proxies = Sequence[TcpProxy]


@pytest.fixture
def proxies(exchanges: Sequence[LocalExchange]) -> Iterator[Proxies]:
    with ExitStack() as stack:
        yield [stack.enter_context(TcpProxy(exchange.port)) for exchange in exchanges]


@pytest.fixture
def run(
    start_run: StartRun,
    make_settings: MakeSettings,
    exchanges: Sequence[LocalExchange],
    proxies: Proxies,
) -> Run:
    """Its producer reaches the exchanges by way of the proxies."""
    addresses = {}
    for exchange, proxy in zip(exchanges, proxies, strict=True):
        addresses[exchange.dialect.setting] = f"ws://127.0.0.1:{proxy.port}/ws"
    return start_run(make_settings(), environment=addresses)


@pytest.mark.short_form
def test_a_cut_link_is_a_gap_and_nothing_else_is_lost(run: Run, proxies: Proxies) -> None:
    for _ in range(CUTS):
        fault_ms = now_ms()
        for proxy in proxies:
            proxy.cut()
        run.recover(fault_ms)
    # Back-off keeps reconnects rare: a cut never costs more than a few.
    assert all(proxy.accepted <= 1 + 5 * CUTS for proxy in proxies)
    run.end("link to the exchanges cut", CUTS)
    assert FeedLog(run.pipeline.settings).has(FeedEvent.GAP)


def test_a_black_hole_is_noticed_and_becomes_a_gap(run: Run, proxies: Proxies) -> None:
    log = FeedLog(run.pipeline.settings)
    fault_ms = now_ms()
    for proxy in proxies:
        proxy.link = Link(black_hole=True)
    run.pipeline.wait_until(
        lambda: {record.exchange for record in log.all_of(FeedEvent.LOST)} == {"bitget", "okx"}, 90
    )
    for proxy in proxies:
        proxy.link = Link()
        proxy.cut()
    run.recover(fault_ms)
    run.end("link to the exchanges blackholed")
    assert {record.exchange for record in log.all_of(FeedEvent.GAP)} == {"bitget", "okx"}


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("slowed to 100 ms and 3 Mbit/s", Link(delay_seconds=0.1, bits_per_second=3_000_000)),
        ("sliced into segments of 7 bytes", Link(segment_bytes=7)),
    ],
)
def test_a_poor_link_loses_nothing(run: Run, proxies: Proxies, name: str, link: Link) -> None:
    fault_ms = now_ms()
    for proxy in proxies:
        proxy.link = link
    run.recover(fault_ms)
    run.pipeline.pause(SPOILED_SECONDS)
    run.stop_traffic()
    ledger = {frame for each in run.pipeline.exchanges for frame in each.ledger}
    log = FeedLog(run.pipeline.settings)
    run.pipeline.wait_until(lambda: ledger <= {*log.frames("bitget"), *log.frames("okx")}, 60)
    verdict = run.end(f"link to the exchanges {name}")
    assert verdict.unsent == 0
    assert log.all_of(FeedEvent.LOST) == []
