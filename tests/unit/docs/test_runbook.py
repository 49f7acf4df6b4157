"""The runbook explains every code that a command ends with."""

import re
from typing import Final

from tests.support.paths import DOCS, ROOT

ROOMS: Final = ("liq", "producers", "processors", "runtime", "sinks", "web")


def test_every_exit_code_of_ours_is_in_the_table() -> None:
    sources = [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    found = {
        code for text in sources for code in re.findall(r"^EXIT_\w+.*= (\d+)", text, re.MULTILINE)
    }
    assert found >= {"0", "69", "70", "78"}
    section = (
        (DOCS / "runbook.md").read_text().partition("## Exit codes\n")[2].partition("\n## ")[0]
    )
    explained = set(re.findall(r"^\| (\d+) \|", section, re.MULTILINE))
    assert sorted(found - explained) == []
