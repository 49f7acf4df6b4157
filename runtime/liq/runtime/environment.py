"""The environment variables of this process. No other module of the product reads them.

Settings with fixed names are classes that `liq.runtime.settings` loads. This mapping serves names
that are known at run time only (those that feeds declare), and programs that start quickly or pass
the environment on to their children.
"""

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """Return the variables by name, as they are at the time of each access."""
    return os.environ
