"""Every consumer in the repository reads committed records only."""

import ast
import subprocess
from pathlib import Path

from tests.support.paths import ROOT


def consumers() -> list[tuple[Path, ast.Call]]:
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if "AIOKafkaConsumer(" not in (text := path.read_text()):
            continue
        found += [
            (path, node)
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "AIOKafkaConsumer"
        ]
    return found


def test_every_consumer_says_that_it_reads_committed_records() -> None:
    found = consumers()
    assert found
    silent = [
        f"{path}:{call.lineno}"
        for path, call in found
        if "isolation_level" not in ast.unparse(call)
    ]
    assert not silent
