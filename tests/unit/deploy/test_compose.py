"""What can be known of the compose file and the image without a Docker engine.

Compose's own library reads the file in tests/integration/deploy.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from pydantic import SecretStr

from liq.cli.commands.process import Stage
from liq.cli.contract_lists import contract_settings
from liq.cli.main import COMMANDS, load
from liq.producers.feeds.registry import ALL_FEEDS, producible_exchanges
from liq.producers.feeds.settings import choose_targets, feed_settings
from liq.producers.history.settings import history_settings
from liq.runtime.settings import Settings, host_slot
from liq.sinks.registry import DestinationName
from tests.support.paths import DOCS, ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: body for name, body in SERVICES.items() if "build" in body}
LONG_RUNNING = {name: body for name, body in SERVICES.items() if body["restart"] != "no"}
FEED_SETTINGS = {setting.name for setting in feed_settings(ALL_FEEDS)}
CONTRACT_SETTINGS = {setting.name for setting in contract_settings()}
HISTORY_SETTINGS = {setting.name for setting in history_settings()}
SETTINGS = {name.upper() for name in Settings.model_fields}
SETTINGS |= FEED_SETTINGS | CONTRACT_SETTINGS | HISTORY_SETTINGS
SECRETS = {
    name.upper() for name, field in Settings.model_fields.items() if field.annotation is SecretStr
}
LOOKS_SECRET = re.compile("PASSWORD|SECRET|TOKEN|_KEY$")
# Compose runs one broker without logins and one ClickHouse; image and host decide the rest.
NOT_FOR_COMPOSE = {
    *(
        name
        for name in SETTINGS
        if name.startswith(("KAFKA_S", "KAFKA_EMULATE", "HTTP_", "WEB_PORT"))
    ),
    *("TOPIC_REPLICATION", "CLICKHOUSE_CLUSTER", "WORKER_SLOT", "LOG_FORMAT"),
}
EXAMPLE = ROOT / "deploy" / "example.env"
PINNED = re.compile(r"^[a-z0-9./-]+:v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z-]+)?$")


def example_files(service: str) -> list[Path]:
    """Return the examples of the files that a service's settings come from."""
    entries = SERVICES[service].get("env_file", [])
    return [ROOT / str(entry["path"]).replace(".env", ".example.env") for entry in entries]


def names_in(*files: Path) -> set[str]:
    return {name for file in files for name in dotenv_values(file)}


def settings_of(service: str) -> set[str]:
    """Return what can be set for a service."""
    return set(OURS[service]["environment"]) | names_in(*example_files(service))


def test_there_is_a_service_for_every_kind_of_worker() -> None:
    assert {"kafka", "clickhouse", "normalize", "detect", "sink"} <= SERVICES.keys()
    profiles = {profile for body in SERVICES.values() for profile in body.get("profiles", ())}
    assert profiles >= {"live", "replay", "observability", "web", "notify"}
    commands = {tuple(body["command"][:2]) for body in OURS.values()}
    assert {("process", stage.value) for stage in Stage} <= commands
    assert {("sink", store.value) for store in DestinationName} <= commands
    assert {("produce",), ("reference",), ("topics",), ("migrate",), ("notify",)} <= commands
    assert ("backfill",) in commands


@pytest.mark.parametrize("name", OURS)
def test_every_setting_that_a_service_passes_exists(name: str) -> None:
    assert settings_of(name) <= SETTINGS


@pytest.mark.parametrize(
    ("name", "prefixes"),
    [
        ("normalize", ("INSTITUTIONAL_", "PRICE_")),
        ("detect", ("CASCADE_",)),
        ("setup", ("CLICKHOUSE_",)),
        ("sink", ("CLICKHOUSE_", "SINK_")),
        ("reference", ("REFERENCE_",)),
        ("sink-redis", ("REDIS_",)),
        ("produce", ("PRODUCE_",)),
    ],
)
def test_every_setting_of_a_role_can_be_set(name: str, prefixes: tuple[str, ...]) -> None:
    wanted = {setting for setting in SETTINGS if setting.startswith(prefixes)}
    assert wanted
    assert wanted - NOT_FOR_COMPOSE <= settings_of(name)


def test_every_setting_of_a_feed_can_be_set_for_its_producer_and_for_no_other() -> None:
    assert settings_of("produce") >= FEED_SETTINGS
    others = OURS.keys() - {"produce", "backfill"}
    assert set.union(*(settings_of(name) for name in others)).isdisjoint(FEED_SETTINGS)
    # A history by account asks about the accounts that the live feed follows.
    assert settings_of("backfill") & FEED_SETTINGS == HISTORY_SETTINGS & FEED_SETTINGS


def test_the_lists_of_contracts_can_be_set_for_the_worker_that_fetches_them() -> None:
    assert settings_of("reference") >= CONTRACT_SETTINGS


def test_the_addresses_of_histories_can_be_set_for_the_worker_that_asks_them() -> None:
    assert settings_of("backfill") >= HISTORY_SETTINGS


def test_every_setting_has_a_place_in_the_deployment() -> None:
    placed = set.union(*(settings_of(name) for name in OURS))
    assert placed | NOT_FOR_COMPOSE == SETTINGS
    assert placed.isdisjoint(NOT_FOR_COMPOSE)


@pytest.mark.parametrize("name", OURS)
def test_the_file_of_a_role_lists_nothing_that_compose_would_override(name: str) -> None:
    assert set(OURS[name]["environment"]).isdisjoint(names_in(*example_files(name)))


@pytest.mark.parametrize("name", OURS)
def test_a_setting_that_is_left_empty_has_its_default(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(setting, raising=False)
    default = Settings(), choose_targets(producible_exchanges(), {})
    passed = OURS[name]["environment"]
    left_empty = {key for key, value in passed.items() if value == f"${{{key}:-}}"}
    for example in example_files(name):
        values = dotenv_values(example)
        assert set(values.values()) <= {""}
        left_empty |= values.keys()
    for key in left_empty:
        monkeypatch.setenv(key, "")
    assert (Settings(), choose_targets(producible_exchanges(), os.environ)) == default
    assert passed.keys() - left_empty <= {
        "KAFKA_BOOTSTRAP_SERVERS",
        "CLICKHOUSE_URL",
        "CLICKHOUSE_USER",
        "CLICKHOUSE_PASSWORD",
        "NOTIFY_RULES",
        "REDIS_URL",
        "WEB_HOST",
    }


def test_no_service_sees_a_secret_that_it_does_not_need() -> None:
    seen = {
        name: {
            setting
            for setting in (*body.get("environment", {}), *names_in(*example_files(name)))
            if setting in SECRETS or LOOKS_SECRET.search(setting)
        }
        for name, body in SERVICES.items()
    }
    assert {name: secrets for name, secrets in seen.items() if secrets} == {
        "clickhouse": {"CLICKHOUSE_PASSWORD", "CLICKHOUSE_READER_PASSWORD"},
        "grafana": {"GRAFANA_CLICKHOUSE_PASSWORD"},
        "produce": {"HYPERLIQUID_GOLDRUSH_KEY", "HYPERLIQUID_HYDROMANCER_KEY"},
        "setup": {"CLICKHOUSE_PASSWORD", "CLICKHOUSE_READER_PASSWORD"},
        "sink": {"CLICKHOUSE_PASSWORD", "CLICKHOUSE_READER_PASSWORD"},
        "sink-redis": {"REDIS_URL"},
        "serve": {"CLICKHOUSE_PASSWORD", "CLICKHOUSE_READER_PASSWORD", "WEB_TOKENS"},
    }


def test_the_file_with_the_password_is_passed_to_no_service_whole() -> None:
    paths = {entry["path"] for body in OURS.values() for entry in body.get("env_file", [])}
    assert paths
    assert all(path.startswith("deploy/") for path in paths)


def test_the_documented_set_up_leads_to_the_files_that_compose_reads() -> None:
    page = (DOCS / "deploy.md").read_text()
    copies = dict(re.findall(r"^cp (\S+) (\S+)", page, re.MULTILINE))
    read = {entry["path"] for body in OURS.values() for entry in body.get("env_file", [])}
    # Other files that services see: the rules of notifications.
    mounted = {
        source.removeprefix("./")
        for body in OURS.values()
        for source in (volume.split(":")[0] for volume in body.get("volumes", []))
        if source.startswith("./deploy/")
    }
    assert set(copies.values()) == {".env"} | read | mounted
    for source, target in copies.items():
        assert (ROOT / source).is_file()
        ignored = subprocess.run(("git", "check-ignore", "--quiet", target), cwd=ROOT, check=False)
        assert ignored.returncode == 0, f"git would take {target} in"
    interpolated = re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text())
    assert dotenv_values(EXAMPLE).keys() == set(interpolated)


def test_a_role_without_a_file_of_its_own_has_defaults() -> None:
    for body in OURS.values():
        assert all(entry["required"] is False for entry in body.get("env_file", []))


@pytest.mark.parametrize("name", OURS)
def test_every_command_line_parses(name: str) -> None:
    word, *arguments = OURS[name]["command"]
    for volume in OURS[name].get("volumes", []):
        source, target, mode = volume.split(":")
        assert mode == "ro"
        arguments = [text.replace(target, str(ROOT / source), 1) for text in arguments]
    command = load(word, COMMANDS[word])
    assert command.make_context(word, arguments).command.name == word


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_pinned_tag(name: str) -> None:
    assert PINNED.match(SERVICES[name]["image"])


def test_the_images_that_ours_is_built_from_are_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert all(PINNED.match(base) for base in bases)


@pytest.mark.parametrize("name", SERVICES)
def test_every_published_port_is_bound_to_loopback(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert str(port).startswith("127.0.0.1:")


def test_metrics_are_on_fixed_ports_and_services_that_scale_have_several() -> None:
    taken: list[int] = []
    for body in SERVICES.values():
        for port in body.get("ports", []):
            first, _, last = port.split(":")[1].partition("-")
            taken += range(int(first), int(last or first) + 1)
    assert len(taken) == len(set(taken))
    scaled = {name for name, body in OURS.items() if "-9" in str(body.get("ports", ""))}
    assert scaled == {"normalize", "detect", "sink"}


def test_kafka_is_the_version_that_is_tested() -> None:
    pom = (ROOT / "devstack/liq/devstack/kafka/pom.xml").read_text()
    [version] = re.findall(r"<artifactId>kafka_2.13</artifactId>\s*<version>([^<]+)<", pom)
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_privileges(name: str) -> None:
    body = OURS[name]
    assert body["read_only"] is True
    assert body["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in body["security_opt"]
    assert "user" not in body
    assert "mem_limit" in body


def test_our_image_runs_as_a_fixed_user_that_is_not_root() -> None:
    [user] = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert user == "10001:10001"
    assert DOCKERFILE.index("USER ") > DOCKERFILE.rindex("FROM ")


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_everything_that_keeps_running_has_a_health_check(name: str) -> None:
    if name in OURS:
        assert "HEALTHCHECK" in DOCKERFILE
        assert LONG_RUNNING[name].get("healthcheck", {}).get("disable") is not True
    else:
        assert LONG_RUNNING[name]["healthcheck"]["test"]


def test_data_is_in_declared_volumes() -> None:
    for name in ("kafka", "clickhouse"):
        sources = [volume.partition(":")[0] for volume in SERVICES[name]["volumes"]]
        volumes = [source for source in sources if not source.startswith("./deploy/")]
        assert volumes
        assert set(volumes) <= COMPOSE["volumes"].keys()


def test_nothing_has_a_default_password() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    passwords = re.findall(r"\bCLICKHOUSE_PASSWORD: (.+)", text)
    assert len(passwords) == 2
    assert all(password.startswith("${CLICKHOUSE_PASSWORD:?") for password in passwords)
    readers = re.findall(r"(?:GRAFANA_CLICKHOUSE|READER)_PASSWORD: (.+)", text)
    assert set(readers) == {"${CLICKHOUSE_READER_PASSWORD:-${CLICKHOUSE_PASSWORD}}"}
    assert dotenv_values(EXAMPLE)["CLICKHOUSE_PASSWORD"] == ""


def test_workers_start_after_topics_and_schema_are_there() -> None:
    for name in ("produce", "normalize", "detect", "sink", "replay"):
        assert OURS[name]["depends_on"] == {
            "setup": {"condition": "service_completed_successfully"}
        }
    assert OURS["setup"]["depends_on"] == {
        "clickhouse": {"condition": "service_healthy"},
        "topics": {"condition": "service_completed_successfully"},
    }
    assert OURS["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_a_supervisor_waits_longer_than_a_worker_needs_to_stop() -> None:
    assert {body["stop_grace_period"] for body in OURS.values()} == {"35s"}


def test_what_the_image_copies_is_let_through() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


def test_no_scalable_service_has_a_name_that_its_copies_would_share() -> None:
    assert {name for name, body in OURS.items() if "hostname" in body} == {"produce"}


def test_containers_get_slots_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "node 1/a")
    assert host_slot() == "node-1-a"
    monkeypatch.delenv("WORKER_SLOT", raising=False)
    assert Settings().worker_slot == "node-1-a"
    assert not any("WORKER_SLOT" in body["environment"] for body in OURS.values())
