"""Configurations of the detector that differ from a base by named values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from liq.processors.cascades import DetectorConfig

VALUE_BY_ASSET: Final = "min_value_usd_by_asset"
NAMES: Final = tuple(field.name for field in fields(DetectorConfig))
MAX_NAME_CHARACTERS: Final = 80

_TYPES: Final = {
    "window_seconds": int,
    "min_events": int,
    "quiet_seconds": int,
    "memory_hours": int,
    "market_breadth": int,
    "min_value_usd": Decimal,
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """A named configuration of the detector."""

    name: str
    config: DetectorConfig


def changed(base: DetectorConfig, values: Mapping[str, Any]) -> DetectorConfig:
    """Return a configuration with the given values replaced; values may be texts.

    Raises:
        ValueError: a name is unknown, or a value is invalid; the message is a sentence.
    """
    converted: dict[str, Any] = {}
    for name, value in values.items():
        if name not in NAMES:
            raise ValueError(f"{name} is none of {', '.join(NAMES)}")
        converted[name] = _converted(name, value)
    return replace(base, **converted)


def listed(base: DetectorConfig, texts: Iterable[str]) -> list[Configuration]:
    """Return a configuration for each text like `start_nats=15,min_events=8`, which is its name.

    Raises:
        ValueError: a text has another form, or `changed` rejects it.
    """
    found = []
    for text in texts:
        pairs = [part.partition("=") for part in text.split(",")]
        if any(not sign for _, sign, _ in pairs):
            raise ValueError(f"{text!r} is not of the form NAME=VALUE,NAME=VALUE")
        values = {name.strip(): value.strip() for name, _, value in pairs}
        found.append(Configuration(text[:MAX_NAME_CHARACTERS], changed(base, values)))
    return found


def _converted(name: str, value: Any) -> Any:
    try:
        if name == VALUE_BY_ASSET:
            pairs = value.items() if isinstance(value, Mapping) else _pairs(str(value))
            return {asset: Decimal(str(amount)) for asset, amount in pairs}
        return _TYPES.get(name, float)(str(value))
    except (TypeError, ValueError, InvalidOperation) as error:
        raise ValueError(f"{name} is {value!r}, which is not the number that it takes") from error


def _pairs(text: str) -> list[tuple[str, str]]:
    found = []
    for part in text.split(";"):
        asset, sign, amount = part.partition(":")
        if not sign:
            raise ValueError("expected ASSET:DOLLARS;ASSET:DOLLARS")
        found.append((asset.strip(), amount.strip()))
    return found
