"""The number of examples of long property tests: a share on a laptop, all of them in CI.

`EXAMPLES=all` requests all; `make test-compiled` sets it, because the compiled core runs them in a
fraction of the time.
"""

import os

SHARE = 5
FEWEST = 5


def examples(every: int) -> int:
    """Return `every` if the environment requests all examples, else a fifth of it."""
    return every if os.environ.get("EXAMPLES") == "all" else max(FEWEST, every // SHARE)
