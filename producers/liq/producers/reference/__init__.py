"""Reference data over REST: `liq reference` lists contracts, retries frames and publishes rates.

`run` starts independent tasks. An error in one task ends the process, and the supervisor restarts
it.
"""

from liq.producers.reference.checks import check_listing, versions
from liq.producers.reference.known import KnownContracts
from liq.producers.reference.run import CONDITION, run
from liq.producers.reference.sources import ContractSource, SourceError, fetch_contracts
from liq.producers.reference.timing import DEFAULT_TIMING, ReferenceTiming

__all__ = [
    "CONDITION",
    "DEFAULT_TIMING",
    "ContractSource",
    "KnownContracts",
    "ReferenceTiming",
    "SourceError",
    "check_listing",
    "fetch_contracts",
    "run",
    "versions",
]
