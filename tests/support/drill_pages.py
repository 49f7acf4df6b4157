"""The commands of docs/drills.md, which tests run as they stand there."""

import re
from typing import Final

from tests.support.paths import DOCS

PAGE: Final = DOCS / "drills.md"


def blocks(drill: str, language: str = "sh") -> list[str]:
    """Return the code blocks of a drill."""
    section = PAGE.read_text().split(f"## {drill}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def command_lines(drill: str) -> list[str]:
    """Return the commands of a drill, one a line."""
    return [line for block in blocks(drill) for line in block.splitlines()]
