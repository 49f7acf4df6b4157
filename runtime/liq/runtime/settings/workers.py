"""The settings of all workers, loaded from the environment and checked."""

from functools import cached_property
from typing import Any

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from liq.runtime.environment import environment
from liq.runtime.misspelt import refuse_misspelt
from liq.runtime.settings.base import load_from_environment
from liq.runtime.settings.destinations import DestinationSettings
from liq.runtime.settings.detection import DetectionSettings
from liq.runtime.settings.pipeline import PipelineSettings
from liq.runtime.settings.process import ProcessSettings
from liq.schemas.topics import Topics


# Pydantic lists the fields of the last base first; documents and examples follow this order.
class Settings(ProcessSettings, DestinationSettings, PipelineSettings, DetectionSettings):
    """Every setting of every worker."""

    model_config = SettingsConfigDict(defer_build=False)

    @cached_property
    def topics(self) -> Topics:
        """Topic names in this namespace."""
        return Topics(self.topic_namespace)

    def group(self, stage: str) -> str:
        """Return the consumer group of a stage (normalize, detect, sink...)."""
        return f"{self.topic_namespace}.{stage}"

    def masked(self) -> dict[str, str]:
        """Return the effective settings by environment variable, with secrets masked."""
        return {name.upper(): shown(getattr(self, name)) for name in type(self).model_fields}


def shown(value: object) -> str:
    """Return a setting's value as text, with secrets masked."""
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def default_text(name: str) -> str:
    """Return a setting's default as text; empty if it is empty or depends on the machine."""
    field = Settings.model_fields[name]
    is_empty = field.default_factory is not None or field.default in ({}, ())
    return "" if is_empty else shown(field.default)


def load_settings(**overrides: Any) -> Settings:
    """Read the workers' settings from the environment.

    Raises:
        ConfigurationError: settings are invalid (one line for each), or a variable is a misspelt
            setting.
    """
    refuse_misspelt(environment(), frozenset(name.upper() for name in Settings.model_fields))
    return load_from_environment(Settings, **overrides)
