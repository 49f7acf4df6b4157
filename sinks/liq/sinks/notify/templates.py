"""Templates of messages: texts with `{name}` placeholders and no other syntax."""

import re
from collections.abc import Mapping
from typing import Final

#: The names that a template may use; `sentences.names_of` has the values.
NAMES: Final = (
    "sentence", "subject", "asset", "side", "type", "level", "risk", "dollars", "count", "seconds",
    "price", "venues", "folded", "link", "time", "rule",
)  # fmt: skip
USUAL: Final = "{sentence}\n{folded}\n{link}"
_NAME: Final = re.compile(r"\{([^{}]*)\}")
_EMPTY_LINES: Final = re.compile(r"\n[ \t]*(?=\n|$)")


def unknown_names(template: str) -> list[str]:
    """Return the unknown names in a template."""
    return [name for name in _NAME.findall(template) if name not in NAMES]


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill a template with values; missing values are empty, and empty lines are removed."""
    text = _NAME.sub(lambda match: values.get(match[1], ""), template or USUAL)
    return _EMPTY_LINES.sub("", text).strip()
