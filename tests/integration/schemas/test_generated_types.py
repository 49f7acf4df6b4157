"""Types of other languages, made from our JSON Schemas, parse every stored record.

docs/types.md has the commands; this runs them in an empty folder, compiles what they made, and
compares what the types write again with what they read.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.npm import node_packages
from tests.support.paths import DOCS, EXAMPLES, ROOT

# Beside the consumers in other languages, which need the same compilers.
pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        os.environ.get("KAFKA") != "apache",
        reason="compiles other languages, with what needs Apache Kafka: set KAFKA=apache",
    ),
]

QUICKTYPE: Final = "quicktype@26.0.0"
TYPESCRIPT: Final = "typescript@5.9.3"
SCHEMAS: Final = sorted((ROOT / "schemas" / "liq" / "schemas" / "json").glob("*.schema.json"))
PROGRAMS: Final = ROOT / "tests" / "support" / "generated_types"
PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
NEW_FIELD: Final = "a_field_of_a_newer_writer"
SECONDS: Final = 600


@pytest.fixture(scope="module")
def packages() -> Path:
    return node_packages(QUICKTYPE, TYPESCRIPT)


def needed(program: str, why: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(why)
    return found


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout


def documented(language: str) -> list[str]:
    """Return the command of the page, without the folder that it names for the reader."""
    page = (DOCS / "types.md").read_text()
    [line] = re.findall(rf"^npx {QUICKTYPE} (.*--lang {language} .*)$", page, re.MULTILINE)
    return str(line).split()


def generate(packages: Path, language: str, folder: Path) -> None:
    """Make the types of a language by the page's command, from copies of the schemas."""
    schemas = folder / "schemas"
    schemas.mkdir()
    for path in SCHEMAS:
        shutil.copy(path, schemas)
    words: list[str] = []
    for word in documented(language):
        words += map(str, sorted(schemas.glob("*"))) if word == "schemas/*" else [word]
    for index, word in enumerate(words):
        if word == "-o":
            (folder / words[index + 1]).parent.mkdir(parents=True, exist_ok=True)
    run(packages / "node_modules" / ".bin" / "quicktype", *words, folder=folder)


def stored(folder: Path) -> tuple[list[str], list[Any]]:
    """Write every stored record, as it is and with a field of a newer writer; what was written."""
    arguments, documents = [], []
    for path in sorted(EXAMPLES.glob("*.json")):
        document = json.loads(path.read_text())
        for number, more in enumerate(({}, {NEW_FIELD: [1, {"x": "y"}]})):
            copy = folder / f"{number}-{path.name}"
            copy.write_text(json.dumps({**document, **more}))
            arguments.append(f"{path.name.split('.')[0]}={copy}")
            documents.append(document)
    assert len(documents) > 60
    return arguments, documents


def meaning(value: Any) -> Any:
    """Return a document without what is null or an empty list: absent says the same."""
    if isinstance(value, dict):
        kept = {name: meaning(inner) for name, inner in value.items() if name != NEW_FIELD}
        return {name: inner for name, inner in kept.items() if inner not in (None, [])}
    return [meaning(each) for each in value] if isinstance(value, list) else value


def expect_the_same(program: Sequence[str | Path], folder: Path) -> None:
    examples = folder / "examples"
    examples.mkdir()
    arguments, documents = stored(examples)
    lines = run(*program, *arguments, folder=folder).splitlines()
    found = [json.loads(line) for line in lines]
    assert [meaning(each) for each in found] == [meaning(each) for each in documents]


def typescript(packages: Path, folder: Path) -> Sequence[str | Path]:
    generate(packages, "typescript", folder)
    shutil.copy(PROGRAMS / "check.ts", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node.d.ts").write_text(
        'declare module "node:fs" { export function readFileSync(p: string, e: "utf8"): string }\n'
        "declare const process: { argv: string[] };\n"
        "declare const console: { log(text: unknown): void };\n"
    )
    compiler = packages / "node_modules" / ".bin" / "tsc"
    options = ("--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022")
    run(compiler, *options, "check.ts", "node.d.ts", folder=folder)
    return ("node", "check.js")


def go(packages: Path, folder: Path) -> Sequence[str | Path]:
    compiler = needed("go", "needs Go 1.26")
    generate(packages, "go", folder)
    shutil.copy(PROGRAMS / "check.go", folder / "main.go")
    (folder / "go.mod").write_text("module example\n\ngo 1.24\n")
    run(compiler, "build", "-o", "check", ".", folder=folder)
    return ("./check",)


def java(packages: Path, folder: Path) -> Sequence[str | Path]:
    maven = needed("mvn", "needs Java 17 and Maven")
    generate(packages, "java", folder)
    shutil.copy(PROGRAMS / "Check.java", folder / "src" / "main" / "java")
    shutil.copy(DOCS / "examples" / "java" / "pom.xml", folder)
    run(
        maven, "-q", "-B", "compile", f"{PLUGIN}:copy-dependencies",
        "-DoutputDirectory=target/libraries", "-DincludeScope=runtime", folder=folder,
    )  # fmt: skip
    return ("java", "-cp", "target/classes:target/libraries/*", "Check")


@pytest.mark.parametrize("build", [typescript, go, java])
def test_generated_types_read_and_write_every_stored_record(
    packages: Path, tmp_path: Path, build: Callable[[Path, Path], Sequence[str | Path]]
) -> None:
    expect_the_same(build(packages, tmp_path), tmp_path)
