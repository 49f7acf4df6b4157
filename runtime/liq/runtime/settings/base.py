"""Classes of settings: their environment variables, and the error of invalid ones."""

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from liq.runtime.errors import ConfigurationError

Loaded = TypeVar("Loaded", bound="EnvironmentSettings")


class EnvironmentSettings(BaseSettings):
    """Settings whose environment variables are the field names in upper case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)


class SettingsGroup(EnvironmentSettings):
    """A part of the workers' settings; only the class of all settings is ever created."""

    model_config = SettingsConfigDict(defer_build=True)


def load_from_environment(kind: type[Loaded], **overrides: Any) -> Loaded:
    """Read a class of settings from the environment; `overrides` take precedence.

    Raises:
        ConfigurationError: settings are invalid; the message has one line for each.
    """
    try:
        return kind(**overrides)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc']).upper() or 'settings'}: {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigurationError("Settings are wrong:\n  " + "\n  ".join(lines)) from error
