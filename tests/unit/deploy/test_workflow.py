"""The workflow of runners elsewhere: it calls what is here, on the versions that are declared."""

import re
import tomllib
from typing import Any

import yaml

from tests.support.paths import CAPTURES, ROOT

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()


def lines_of(job: str) -> list[str]:
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def scripts() -> set[str]:
    """The shell scripts of the checkout."""
    folders = (ROOT / ".ci", ROOT / "tests" / "faults", ROOT / "deploy")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    shebangs = (b"#!/usr/bin/env bash", b"#!/bin/bash", b"#!/bin/sh")
    return {str(path.relative_to(ROOT)) for path in files if path.read_bytes().startswith(shebangs)}


def test_ci_runs_on_every_version_of_python_that_is_declared() -> None:
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert WORKFLOW["jobs"]["run"]["strategy"]["matrix"]["python"] == declared
    assert PROJECT["requires-python"] == f">={declared[0]}"
    assert lines_of("run") == ["bash .ci/run"]


def test_what_the_workflow_calls_exists() -> None:
    for line in (line for job in WORKFLOW["jobs"] for line in lines_of(job)):
        program, name, *_ = line.split()
        if program == "bash":
            assert (ROOT / name).is_file()
        elif program == "make":
            assert re.search(f"^{name}:", MAKEFILE, re.MULTILINE)
        elif program == "shellcheck":
            assert scripts() == set(line.split()[1:])
        elif program == "pipx":
            [constraints] = re.findall(r"--requirement (\S+)", line)
            assert (ROOT / constraints).is_file()
        else:
            assert line.startswith("docker compose ")


def test_the_deployment_is_asked_for_the_events_of_the_recording_that_it_plays() -> None:
    script = (ROOT / ".ci" / "compose").read_text()
    [played] = re.findall(r"/captures/(\S+)\]", (ROOT / "docker-compose.yml").read_text())
    assert (CAPTURES / played).is_file()
    [events] = re.findall(r"^EVENTS=(\d+)", script, re.MULTILINE)
    assert f"{int(events):,}     {int(events):,}" in (ROOT / "README.md").read_text()
