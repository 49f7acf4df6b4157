"""Write the JSON Schemas and the AsyncAPI document: `python -m liq.schemas.generate [--check]`."""

import sys
from pathlib import Path

import orjson

from liq.schemas.asyncapi import RECORD_TYPES, asyncapi_document
from liq.schemas.json_schema import schema_of
from liq.schemas.records import SCHEMA_VERSION

DIRECTORY = Path(__file__).parent
PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def generated_files() -> dict[Path, bytes]:
    """Return every generated file with its wanted content."""
    files = {
        DIRECTORY / "json" / f"{record.__name__}.schema.json": orjson.dumps(
            schema_of(record), option=PRETTY
        )
        for record in RECORD_TYPES
    }
    document = asyncapi_document(f"{SCHEMA_VERSION}.0.0")
    files[DIRECTORY / "asyncapi.json"] = orjson.dumps(document, option=PRETTY)
    return files


def outdated_files() -> list[Path]:
    """Return the generated files that are missing or differ from the code."""
    return [
        path
        for path, content in generated_files().items()
        if not path.exists() or path.read_bytes() != content
    ]


def main(arguments: list[str]) -> int:
    """Write the files, or compare them with `--check`; return 1 if files are out of date."""
    if arguments == ["--check"]:
        outdated = outdated_files()
        for path in outdated:
            sys.stderr.write(f"{path.name} is out of date; run python -m liq.schemas.generate\n")
        return 1 if outdated else 0
    for path, content in generated_files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
