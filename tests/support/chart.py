"""The Helm chart, linted and rendered by Helm, and Kubernetes' schemas for the manifests."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator

from tests.support.paths import ROOT

CHART: Final = ROOT / "deploy" / "helm" / "liquidation-engine"
VALUES: Final = ROOT / "deploy" / "helm" / "values"
RELEASE: Final = "liq"
#: The Go modules with definitions of custom resources, and the folder of the definitions.
DEFINITIONS: Final = (
    ("github.com/kedacore/keda/v2@v2.17.2", "config/crd/bases"),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd",
    ),
)
COMMAND_SECONDS: Final = 120
Manifest = dict[str, Any]


def program(name: str) -> str | None:
    """Return a program of this environment (installed by `make tools`) or of the host."""
    own = Path(sys.prefix) / "bin" / name
    return str(own) if own.exists() else shutil.which(name)


HELM: Final = program("helm")
GO: Final = shutil.which("go")


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Helm."""
    return subprocess.run(
        (str(HELM), *arguments),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


@cache
def rendered(values: str) -> tuple[Manifest, ...]:
    """Return the manifests for one of the chart's value files."""
    answer = helm("template", RELEASE, str(CHART), "--values", str(VALUES / f"{values}.yaml"))
    assert answer.returncode == 0, answer.stderr
    return tuple(each for each in yaml.safe_load_all(answer.stdout) if each)


def of_kind(values: str, *kinds: str) -> dict[str, Manifest]:
    """Return the manifests of some kinds, by component."""
    return {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each
        for each in rendered(values)
        if each["kind"] in kinds
    }


class _Definitions(yaml.SafeLoader):
    """A loader that reads the word `=`, an operator in these definitions, as text."""


_Definitions.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


@cache
def definitions() -> dict[tuple[str, str], Draft202012Validator]:
    """Return a validator for each custom resource by group with version, and kind."""
    found: dict[tuple[str, str], Draft202012Validator] = {}
    for module, folder in DEFINITIONS:
        answer = subprocess.run(
            (str(GO), "mod", "download", "-json", module),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            cwd="/",
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        for path in (Path(json.loads(answer.stdout)["Dir"]) / folder).glob("*s.yaml"):
            for document in yaml.load_all(path.read_text(), _Definitions):
                if document and document.get("kind") == "CustomResourceDefinition":
                    _add(found, document["spec"])
    return found


def _add(found: dict[tuple[str, str], Draft202012Validator], spec: dict[str, Any]) -> None:
    for version in spec["versions"]:
        schema = _closed(version["schema"]["openAPIV3Schema"])
        place = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
        found[place] = Draft202012Validator(schema)


def _closed(schema: Any) -> Any:
    """Return a schema that rejects unknown fields, as `kubectl apply` does."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed(value) for name, value in schema.items()}
    keeps = schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in schema and isinstance(schema["properties"], dict) and not keeps:
        made.setdefault("additionalProperties", False)
    if schema.get("type") == "object" and set(schema) <= {"type", "description"}:
        made.pop("additionalProperties", None)
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    return made
