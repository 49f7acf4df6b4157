"""The evaluation of a detector's records for a stored log, in hindsight: pure functions.

`Dollars` has the liquidated dollars, `Tally` the records of one configuration, and `Figures` are
compared between configurations. The evaluation of the detector (`benchmarks/detection`) uses the
same rules.
"""

from liq.processors.backtesting.configurations import Configuration, changed, listed
from liq.processors.backtesting.dollars import Amount, Dollars, published_amounts
from liq.processors.backtesting.figures import CascadeLife, Figures, Tally

__all__ = [
    "Amount",
    "CascadeLife",
    "Configuration",
    "Dollars",
    "Figures",
    "Tally",
    "changed",
    "listed",
    "published_amounts",
]
