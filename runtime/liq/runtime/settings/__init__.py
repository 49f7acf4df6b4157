"""Settings from the environment (12-factor), typed and checked at start."""

from liq.runtime.settings.base import EnvironmentSettings, load_from_environment
from liq.runtime.settings.process import host_slot
from liq.runtime.settings.workers import Settings, default_text, load_settings

__all__ = [
    "EnvironmentSettings",
    "Settings",
    "default_text",
    "host_slot",
    "load_from_environment",
    "load_settings",
]
