"""The page's modules as one classic script, for a file that works without a server. Pure.

A file has no address that its modules could import from, and a content security policy accepts an
inline script by the hash of its text.
"""

import re
from collections.abc import Mapping
from typing import Final

_IMPORT: Final = re.compile(
    r'^import \{ (?P<names>[\w, ]+) \} from "\./(?P<file>\w+\.js)";$', re.MULTILINE
)
_EXPORT: Final = re.compile(
    r"^export (?P<declaration>(?:const|class|function|async function) (?P<name>\w+))", re.MULTILINE
)
_UNKNOWN: Final = re.compile(r"^(?:import|export)\b.*|\bimport\s*[.(].*", re.MULTILINE)


def one_script(modules: Mapping[str, str], entry: str) -> str:
    """Return a module and all that it imports as one script, each module before its importers.

    A module becomes a function that returns its exports, so that its names stay its own. `modules`
    maps file names to source texts, with imports such as `import { a, b } from "./dom.js";` on one
    line each, and exports before `const`, `class` and `function`.

    Raises:
        ValueError: an import is not among the modules, is part of a circle, or has another form.
    """
    done: dict[str, str] = {}
    _add(entry, modules, done, ())
    return f'"use strict";\n(() => {{\nconst modules = {{}};\n{"".join(done.values())}}})();\n'


def _add(
    name: str, modules: Mapping[str, str], done: dict[str, str], importers: tuple[str, ...]
) -> None:
    if name in done:
        return
    if name in importers:
        raise ValueError(f"{' imports '.join((*importers, name))}: modules import in a circle.")
    if name not in modules:
        raise ValueError(f"{importers[-1] if importers else 'The script'} imports {name}: no such.")
    source = modules[name]
    for found in _IMPORT.finditer(source):
        _add(found["file"], modules, done, (*importers, name))
    exports = ", ".join(found["name"] for found in _EXPORT.finditer(source))
    text = _EXPORT.sub(r"\g<declaration>", source)
    text = _IMPORT.sub(r'const { \g<names> } = modules["\g<file>"];', text)
    if unknown := _UNKNOWN.search(text):
        raise ValueError(f"{name} has an import or export of another form: {unknown[0]}")
    done[name] = f'modules["{name}"] = (() => {{\n{text}return {{ {exports} }};\n}})();\n'
