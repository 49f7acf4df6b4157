"""The metrics that the code of a command can reach, by its imports."""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

METRICS: Final = "liq.runtime.metrics"


@cache
def _tree(module: str) -> ast.Module | None:
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return ast.parse(Path(spec.origin).read_text())


def _imports(tree: ast.Module) -> set[str]:
    """Return the names that a module imports, also within functions; names may be modules."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return {name for name in found if name.startswith("liq.")}


def _metrics(tree: ast.Module) -> set[str]:
    return {
        each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == METRICS
        for each in node.names
    }


def metrics_reached(*roots: str) -> set[str]:
    """Return the names of metrics that modules, and all that they import, use."""
    seen, waiting, names = set[str](), list(roots), set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen or module.startswith(("liq.runtime.exported", METRICS)):
            continue
        seen.add(module)
        tree = _tree(module)
        if tree is not None:
            names |= _metrics(tree)
            waiting += _imports(tree)
    return names
