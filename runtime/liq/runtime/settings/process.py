"""Settings of a process: its slot, its HTTP servers and its log."""

import re
import socket
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from liq.runtime.settings.base import SettingsGroup

LEAST_TOKEN_CHARACTERS = 16


def host_slot() -> str:
    """Return the host's name, reduced to the characters that a member id may have.

    Every container or pod has its own name, so that scaling needs no further setting.
    """
    return re.sub(r"[^a-zA-Z0-9_.-]", "-", socket.gethostname())[:60] or "0"


class ProcessSettings(SettingsGroup):
    """How a process is named, what it serves over HTTP, and what it logs."""

    web_host: str = Field(default="127.0.0.1", description="Address of `liq serve`.")
    web_port: int = Field(
        default=8000, ge=0, le=65535, description="Port of `liq serve`; 0 picks a free one."
    )
    web_tokens: SecretStr = Field(
        default=SecretStr(""),
        description="Bearer tokens that `liq serve` accepts, comma separated; empty asks for none.",
    )
    web_memory_mb: int = Field(
        default=128, ge=8, le=65_536, description="Megabytes of records that `liq serve` keeps."
    )
    web_streams_per_client: int = Field(
        default=16, ge=1, le=10_000, description="Streams that an address may have open at once."
    )

    worker_slot: str = Field(
        default_factory=host_slot,
        pattern=r"^[a-zA-Z0-9_.-]{1,60}$",
        description="This process among its equals: unique in a consumer group, stable on restart; "
        "the host's name if unset.",
    )
    http_host: str = Field(default="127.0.0.1", description="Address of metrics and health.")
    http_port: int = Field(
        default=8080, ge=0, le=65535, description="Port of metrics and health; 0 picks a free one."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe log line to write."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, JSON lines elsewhere."
    )

    @field_validator("web_tokens")
    @classmethod
    def _check_tokens(cls, value: SecretStr) -> SecretStr:
        tokens = [token.strip() for token in value.get_secret_value().split(",") if token.strip()]
        if any(len(token) < LEAST_TOKEN_CHARACTERS for token in tokens):
            raise ValueError(f"a token has at least {LEAST_TOKEN_CHARACTERS} characters")
        return value
