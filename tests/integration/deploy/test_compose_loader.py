"""The compose file with all that it refers to, read by Docker Compose's own library, compose-go."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.chart import program
from tests.support.paths import ROOT

LOADER = program("compose-loader")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        LOADER is None, reason="there is no compose-loader (`make tools` builds it; needs Go)"
    ),
]
PROFILES = ("live", "replay", "observability", "web", "notify", "redis")
ALWAYS = {
    *("kafka", "clickhouse", "topics", "setup"),
    *("normalize", "reference", "backfill", "detect", "sink"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The deployment as a user has it who has copied every example."""
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", symlinks=True)
    for example in (tmp_path / "deploy").glob("*.example.*"):
        shutil.copy(example, example.with_name(example.name.replace(".example", "")))
    return tmp_path


def load(folder: Path, *profiles: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (str(LOADER), "docker-compose.yml", *profiles),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CLICKHOUSE_PASSWORD": "chosen", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def services(folder: Path, *profiles: str, **environment: str) -> dict[str, Any]:
    answer = load(folder, *profiles, **environment)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout)["services"])


def test_every_profile_adds_its_services(folder: Path) -> None:
    assert services(folder).keys() == ALWAYS
    added = {profile: services(folder, profile).keys() - ALWAYS for profile in PROFILES}
    assert added == {
        "live": {"produce"},
        "replay": {"replay"},
        "observability": {"prometheus", "alertmanager", "grafana", "node-exporter"},
        "web": {"serve"},
        "notify": {"notify"},
        "redis": {"redis", "sink-redis"},
    }


def test_a_service_sees_the_settings_of_its_role_alone(folder: Path) -> None:
    detect = folder / "deploy" / "detect.env"
    detect.write_text(detect.read_text().replace("CASCADE_MIN_EVENTS=", "CASCADE_MIN_EVENTS=9"))
    seen = services(folder, *PROFILES, TOPIC_NAMESPACE="other")
    assert {
        name for name, body in seen.items() if "CASCADE_MIN_EVENTS" in body.get("environment", {})
    } == {"detect"}
    assert seen["detect"]["environment"]["CASCADE_MIN_EVENTS"] == "9"
    assert seen["normalize"]["environment"]["TOPIC_NAMESPACE"] == "other"
    for name in ("produce", "normalize", "detect", "reference", "backfill", "notify"):
        assert "CLICKHOUSE_PASSWORD" not in seen[name]["environment"]


def test_the_reader_has_the_owner_s_password_unless_it_is_given_one(folder: Path) -> None:
    for chosen, expected in ({}, "chosen"), ({"CLICKHOUSE_READER_PASSWORD": "own"}, "own"):
        seen = services(folder, "observability", **chosen)
        assert seen["grafana"]["environment"]["GRAFANA_CLICKHOUSE_PASSWORD"] == expected
        assert seen["clickhouse"]["environment"]["CLICKHOUSE_READER_PASSWORD"] == expected


def test_files_that_services_mount_are_there(folder: Path) -> None:
    for name, body in services(folder, *PROFILES).items():
        for volume in body.get("volumes", ()):
            if volume["type"] == "bind" and "captures" not in volume["source"]:
                assert Path(volume["source"]).exists(), f"{name} mounts {volume['source']}"


def test_it_starts_without_any_copied_file(folder: Path) -> None:
    for path in (folder / "deploy").glob("*.env"):
        if not path.name.endswith(".example.env"):
            path.unlink()
    assert services(folder).keys() == ALWAYS


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("mem_limit: 1g", "mem_limt: 1g", "mem_limt"),
        ("restart: unless-stopped", "restart: [sometimes]", "restart"),
        ("clickhouse: {condition: service_healthy}", "clickhose: {condition: x}", "condition"),
        ('"127.0.0.1:8123:8123"', '"127.0.0.1:eight:8123"', "eight"),
    ],
)
def test_a_mistake_is_refused_with_a_sentence(
    folder: Path, before: str, after: str, words: str
) -> None:
    file = folder / "docker-compose.yml"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after, 1))
    answer = load(folder)
    assert answer.returncode != 0
    assert words in answer.stderr


def test_without_a_password_it_says_what_to_set(folder: Path) -> None:
    answer = load(folder, CLICKHOUSE_PASSWORD="")
    assert answer.returncode != 0
    assert "set CLICKHOUSE_PASSWORD in .env" in answer.stderr
