"""The environment variables of this process. No other module of the product reads them.

Classes with fixed names of settings are loaded by `liq.runtime.settings`. This mapping is for names
that are known at run time only (those that feeds declare), for programs that must start quickly,
and for programs that pass the environment to their children.
"""

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """Return the variables by name; the mapping reflects later changes."""
    return os.environ
