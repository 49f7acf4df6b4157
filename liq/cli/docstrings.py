"""Docstrings of functions, read without an import of their modules."""

import ast
from importlib.abc import InspectLoader
from importlib.util import find_spec


def docstring(module: str, function: str) -> str | None:
    """Read a function's docstring from its module's source, without importing the module.

    Returns:
        The docstring, or None if the source or the function is missing.
    """
    spec = find_spec(module)
    if spec is None or not isinstance(spec.loader, InspectLoader):
        return None
    source = spec.loader.get_source(module)
    for node in ast.parse(source or "").body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return ast.get_docstring(node)
    return None
