"""The memory that workers use, and the limits of their containers."""

import re
from pathlib import Path
from typing import Final

import yaml

from tests.support.paths import ROOT

MEBIBYTE: Final = 1_048_576
LIMITS: Final = {
    name: body["mem_limit"]
    for name, body in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].items()
    if "mem_limit" in body
}


def limit_bytes(service: str) -> int:
    """Return the memory limit of a service in compose."""
    number, unit = re.fullmatch(r"(\d+)([mg])", LIMITS[service]).groups()  # type: ignore[union-attr]
    return int(number) * MEBIBYTE * (1024 if unit == "g" else 1)


def peak_bytes(process_id: int) -> int:
    """Return the peak resident memory of a process."""
    status = Path(f"/proc/{process_id}/status").read_text()
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) * 1024
