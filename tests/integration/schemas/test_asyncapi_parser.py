"""The official parser of AsyncAPI accepts the document."""

import json

import pytest

from liq.schemas.generate import DIRECTORY
from tests.support.npm import node_packages, run_node

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PARSER = "@asyncapi/parser@3.6.6"
PROGRAM = """
const { Parser } = require('@asyncapi/parser');
const { readFileSync } = require('fs');
new Parser().parse(readFileSync(process.argv[1], 'utf8')).then(({ document, diagnostics }) => {
  console.log(JSON.stringify({
    channels: document ? document.channels().all().map((channel) => channel.address()) : null,
    diagnostics: diagnostics.map(({ code, message, severity }) => ({ code, message, severity })),
  }));
});
"""
# Severities of the parser; a hint is no fault.
INFORMATION = 2


@pytest.mark.slow
def test_the_parser_of_asyncapi_finds_nothing_wrong() -> None:
    folder = node_packages(PARSER)
    found = json.loads(run_node(folder, PROGRAM, str(DIRECTORY / "asyncapi.json")))
    assert [each for each in found["diagnostics"] if each["severity"] < INFORMATION] == []
    assert "liquidations.cascades" in found["channels"]


def test_the_parser_refuses_a_broken_document(tmp_path_factory: pytest.TempPathFactory) -> None:
    document = json.loads((DIRECTORY / "asyncapi.json").read_bytes())
    document["operations"]["read-cascades"]["channel"]["$ref"] = "#/channels/nothing"
    path = tmp_path_factory.mktemp("broken") / "asyncapi.json"
    path.write_text(json.dumps(document))
    found = json.loads(run_node(node_packages(PARSER), PROGRAM, str(path)))
    assert [each for each in found["diagnostics"] if each["severity"] == 0]
