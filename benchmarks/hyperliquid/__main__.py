"""Print recall by sensors and by their share: `python -m benchmarks.hyperliquid [FILE ...]`.

Without files, days are synthetic. Sensors are selected on the first half of the trades and
evaluated on the second. By number, they are selected from what a producer's requests show
(`benchmarks.hyperliquid.selection`), but all at once; by share of the makers' dollars, from all
accounts. No connection is lost. Both are upper bounds of what a producer reaches.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.hyperliquid.selection import (
    every_hit,
    hits_of_candidates,
    share_of,
    with_share,
)
from benchmarks.hyperliquid.simulation import (
    FILLS_DELAY,
    TRADES_DELAY,
    Recall,
    play,
    truth_of,
)
from benchmarks.hyperliquid.trades import DayTrade, made_up, of_files
from liq.producers.feeds.venues.hyperliquid import LIQUIDATOR_VAULTS
from liq.producers.sensors import choose_sensors

GRID: Final = (0, 1, 2, 5, 10, 20, 40)
#: Shares of the makers' dollars; the published ones are named.
SHARES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
#: hyperliquid-co.gitbook.io/wiki, "Vault" (read 2026-11): under 2 % of the daily volume.
PUBLISHED: Final = {0.02: "published: HLP has less"}
#: The number of sensors that one address may follow beside the five vaults.
OF_ONE_ADDRESS: Final = 5
#: The exponent by which makers' shares fall with rank, and the mean number of trades an order.
ASSUMPTIONS: Final = ((0.8, 6.0), (1.2, 6.0), (0.8, 2.0))
HEAD: Final = "sensors  maker $   events      $   amplified events      $   delay p50/p99 ms  wrong"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.hyperliquid", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="a node's files, plain or lz4")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"assumed delays: fills {FILLS_DELAY}, trades {TRADES_DELAY} (ms, mean and spread)")
    if options.files:
        trades = of_files(options.files)
        report(trades)
        print("HYPERLIQUID_USERS=" + ",".join(users_of(trades)))
        return
    for exponent, size in ASSUMPTIONS:
        print(f"\nmade up: makers' shares fall as rank ** -{exponent}, {size:g} trades an order")
        report(made_up(options.seed, exponent=exponent, trades_an_order=size))


def users_of(trades: Sequence[DayTrade]) -> list[str]:
    """Return the accounts to follow from one address: the vaults, and the best sensors."""
    chosen = choose_sensors(every_hit(trades), OF_ONE_ADDRESS, is_amplified=True)
    return [*LIQUIDATOR_VAULTS, *(one.account for one in chosen)]


def report(trades: Sequence[DayTrade]) -> None:
    """Print the tables of recall for a day's trades: by number of sensors, and by their share."""
    past, rest = trades[: len(trades) // 2], trades[len(trades) // 2 :]
    seen, hits = hits_of_candidates(past), every_hit(past)
    truth = truth_of(rest)
    print(f"{len(truth):,} liquidation trades judged, {len(seen):,} of {len(hits):,} chosen by")
    print(HEAD)
    for count in GRID:
        plain = [one.account for one in choose_sensors(seen, count, is_amplified=False)]
        best = [one.account for one in choose_sensors(seen, count, is_amplified=True)]
        alone = play(rest, truth, plain, is_amplified=False)
        amplified = play(rest, truth, best, is_amplified=True)
        mark = " <- one address" if count == OF_ONE_ADDRESS else ""
        print(_row(count, share_of(rest, best), alone, amplified) + mark)
    print("by share of the makers' dollars, the accounts that prove most by themselves first:")
    order = [one.account for one in choose_sensors(hits, len(hits), is_amplified=False)]
    for share in SHARES:
        accounts = with_share(rest, order, share)
        alone = play(rest, truth, accounts, is_amplified=False)
        amplified = play(rest, truth, accounts, is_amplified=True)
        row = _row(len(accounts), share_of(rest, accounts), alone, amplified)
        mark = f" ({PUBLISHED[share]})" if share in PUBLISHED else ""
        print(f"{row} <- {share:.0%}{mark}")


def _row(count: int, share: float, alone: Recall, amplified: Recall) -> str:
    delays = sorted(amplified.delays_ms) or [0]
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    return (
        f"{count:7}  {share:7.1%}  {alone.of_events:7.1%} {alone.of_usd:6.1%}"
        f"   {amplified.of_events:16.1%} {amplified.of_usd:6.1%}   {p50:9} / {p99:<7}"
        f" {alone.wrong + amplified.wrong:5}"
    )


if __name__ == "__main__":
    main()
