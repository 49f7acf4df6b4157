"""The user's cache, for files that can be downloaded again."""

from pathlib import Path

from liq.runtime.environment import environment


def user_cache() -> Path:
    """Return this project's folder in the user's cache; it need not exist."""
    base = environment().get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "liquidation-engine"
