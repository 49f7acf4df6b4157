"""Modules as one script: each before its importers, with names of its own."""

from pathlib import Path

import pytest

import liq.web
from liq.web.inlining import one_script

PAGE = Path(liq.web.__file__).parent / "page"
MODULES = {
    "a.js": 'import { b, C } from "./b.js";\n\nconst own = b;\n',
    "b.js": (
        "const own = 1;\nexport const b = own;\nexport class C {}\nexport async function d() {}\n"
    ),
}


def test_a_module_stands_before_its_importers_and_keeps_its_names() -> None:
    assert one_script(MODULES, "a.js") == (
        '"use strict";\n(() => {\nconst modules = {};\n'
        'modules["b.js"] = (() => {\nconst own = 1;\nconst b = own;\nclass C {}\n'
        "async function d() {}\nreturn { b, C, d };\n})();\n"
        'modules["a.js"] = (() => {\nconst { b, C } = modules["b.js"];\n\nconst own = b;\n'
        "return {  };\n})();\n})();\n"
    )


def test_a_module_stands_once() -> None:
    modules = {**MODULES, "c.js": 'import { b } from "./b.js";\nimport { x } from "./a.js";\n'}
    assert one_script(modules, "c.js").count('modules["b.js"] =') == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('import { a } from "./a.js";\n', "circle"),
        ('import { a } from "./missing.js";\n', "no such"),
        ('import * as a from "./b.js";\n', "another form"),
        ('import "./b.js";\n', "another form"),
        ("export default 1;\n", "another form"),
        ("export { own };\n", "another form"),
        ('const late = () => import("./b.js");\n', "another form"),
        ("const here = import.meta.url;\n", "another form"),
    ],
)
def test_what_it_does_not_know_is_refused(source: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        one_script({**MODULES, "a.js": source}, "a.js")


@pytest.mark.parametrize("entry", sorted(path.name for path in PAGE.glob("*.js")))
def test_every_module_of_the_page_can_be_part_of_a_script(entry: str) -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
    script = one_script(sources, entry)
    assert f'modules["{entry}"] =' in script
    assert "</script" not in script.lower()
