"""Selection of sensors on a day's trades: what a producer sees of them, and accounts of a share.

A producer asks the public fills of the 40 makers with the most dollars on the tape, of each the
newest 2,000 once an hour. The rest of a producer's selection is left out: an account's time under
observation, exchanges while it runs, refused accounts and lost connections. So is the way in which
the newest trades count more in the tally.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from benchmarks.hyperliquid.trades import MARKET, DayTrade
from liq.producers.sensors import MakerFill, MakerTally
from liq.producers.sensors.pool import MAX_CANDIDATES
from liq.schemas.units import HOUR_MS

#: The number of fills that Hyperliquid answers with.
NEWEST_FILLS: Final = 2_000
#: A share of the makers' dollars counts as reached from here on.
REACHED: Final = Decimal("0.95")
ZERO: Final = Decimal(0)


def every_hit(trades: Iterable[DayTrade]) -> list[MakerFill]:
    """Return every maker's fills against liquidations."""
    return [trade.maker_fill() for trade in trades if trade.method == MARKET]


def hits_of_candidates(trades: Sequence[DayTrade]) -> list[MakerFill]:
    """Return the fills against liquidations that a producer's requests show."""
    tally = MakerTally()
    for trade in trades:
        tally.note(trade.public())
    candidates = set(tally.top(MAX_CANDIDATES))
    newest: defaultdict[tuple[str, int], deque[DayTrade]] = defaultdict(
        lambda: deque(maxlen=NEWEST_FILLS)
    )
    for trade in trades:
        if trade.maker in candidates:
            newest[trade.maker, trade.time_ms // HOUR_MS].append(trade)
    return [hit for fills in newest.values() for hit in every_hit(fills)]


def share_of(trades: Iterable[DayTrade], accounts: Iterable[str]) -> float:
    """Return the accounts' share (0 to 1) of all makers' traded dollars."""
    dollars = _dollars_of(trades)
    own = sum((dollars[account] for account in set(accounts)), ZERO)
    return float(own / max(Decimal(1), sum(dollars.values(), ZERO)))


def with_share(trades: Iterable[DayTrade], accounts: Sequence[str], share: float) -> list[str]:
    """Return accounts, the first first, that together have at most a share of makers' dollars.

    An account that would exceed the share is left out. The result has less where the accounts do.
    """
    dollars = _dollars_of(trades)
    limit = sum(dollars.values(), ZERO) * Decimal(str(share))
    chosen, total = [], ZERO
    for account in accounts:
        if total >= limit * REACHED:
            break
        if total + dollars[account] <= limit:
            chosen.append(account)
            total += dollars[account]
    return chosen


def _dollars_of(trades: Iterable[DayTrade]) -> defaultdict[str, Decimal]:
    found: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for trade in trades:
        found[trade.maker] += trade.usd
    return found
