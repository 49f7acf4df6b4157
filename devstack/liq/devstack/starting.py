"""Messages about the part that starts."""

import time
from collections.abc import Callable

from liq.cli.console import err


def starting() -> Callable[[str], None]:
    """Return a function that prints the name of a part, with the seconds since this call."""
    started = time.monotonic()

    def say(name: str) -> None:
        err.print(f"{time.monotonic() - started:5.1f} s  starting {name}", highlight=False)

    return say
