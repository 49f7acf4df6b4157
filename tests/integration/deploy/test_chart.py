"""The Helm chart: linted and rendered by Helm, and checked by Kubernetes' schemas and compose."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from liq.cli.commands.process import Stage
from liq.cli.main import COMMANDS, load
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.destination import STAGE as SINK_STAGE
from tests.support.alert_rules import PROMETHEUS, RULE_FILES
from tests.support.chart import (
    CHART,
    GO,
    HELM,
    VALUES,
    Manifest,
    definitions,
    helm,
    of_kind,
    rendered,
)
from tests.support.dashboards import FOLDER
from tests.support.paths import ROOT

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(HELM is None, reason="there is no helm (`make tools` builds it; needs Go)"),
]
KUBERNETES: Final = ("1.29", "1.37")
VALUE_FILES: Final = ("laptop", "team", "large")
COMPOSE: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
STABLE: Final = {"backfill", "produce", "normalize", "detect", "sink", "sink-redis", "notify"}
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
SECRETS: Final = {"KAFKA_SASL_PASSWORD", "CLICKHOUSE_PASSWORD", "WEB_TOKENS", "REDIS_URL"}
TERMINATION_SECONDS: Final = 30


def pods(values: str) -> Iterator[tuple[str, Manifest]]:
    """Yield the pod of every worker and job, by its component."""
    for name, each in of_kind(values, "StatefulSet", "Deployment", "Job").items():
        yield name, each["spec"]["template"]["spec"]


def container(pod: Manifest) -> Manifest:
    [only] = pod["containers"]
    return dict(only)


def plain(pod: Manifest) -> dict[str, str]:
    """Return the settings that stand in the manifest as text."""
    return {each["name"]: each["value"] for each in container(pod)["env"] if "value" in each}


def partitions(values: str) -> int:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())["topics"]["partitions"]
    own = yaml.safe_load((VALUES / f"{values}.yaml").read_text())
    return int(own["topics"].get("partitions", defaults))


@pytest.mark.parametrize("values", VALUE_FILES)
def test_helm_lints_our_values(values: str) -> None:
    linted = helm("lint", "--strict", str(CHART), "--values", str(VALUES / f"{values}.yaml"))
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("values", VALUE_FILES)
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_accepts_what_is_rendered(values: str, version: str) -> None:
    for manifest in rendered(values):
        if (
            "." not in manifest["apiVersion"].partition("/")[0]
            or "k8s.io" in manifest["apiVersion"]
        ):
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.skipif(GO is None, reason="there is no go, which fetches the definitions of resources")
@pytest.mark.parametrize("values", ["team", "large"])
def test_keda_and_the_prometheus_operator_accept_what_is_rendered(values: str) -> None:
    custom = [
        manifest
        for manifest in rendered(values)
        if manifest["apiVersion"].startswith(("keda.sh/", "monitoring.coreos.com/"))
    ]
    assert custom
    for manifest in custom:
        validator = definitions()[manifest["apiVersion"], manifest["kind"]]
        # The definitions leave the metadata to Kubernetes.
        checked = {**manifest, "metadata": {}}
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(checked)]
        assert errors == [], manifest["metadata"]["name"]


@pytest.mark.skipif(GO is None, reason="there is no go, which fetches the definitions of resources")
def test_the_definitions_do_refuse() -> None:
    [scaled, *_] = of_kind("large", "ScaledObject").values()
    validator = definitions()[scaled["apiVersion"], "ScaledObject"]
    mistyped = {**scaled, "metadata": {}, "spec": {**scaled["spec"], "maxReplicas": 3}}
    assert list(validator.iter_errors(mistyped))
    assert list(validator.iter_errors({**scaled, "metadata": {}, "spec": {"triggers": "none"}}))


@pytest.mark.parametrize("values", VALUE_FILES)
def test_stateful_workers_have_stable_slots_and_others_are_deployments(values: str) -> None:
    for name, workload in of_kind(values, "StatefulSet", "Deployment").items():
        assert (workload["kind"] == "StatefulSet") == (name in STABLE)
        [slot] = [
            each
            for each in container(workload["spec"]["template"]["spec"])["env"]
            if each["name"] == "WORKER_SLOT"
        ]
        assert slot["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
        if name in STABLE:
            assert workload["spec"]["serviceName"] == workload["metadata"]["name"]
            pattern = Settings.model_fields["worker_slot"].metadata[0].pattern
            assert re.fullmatch(pattern, f"{workload['metadata']['name']}-99")


@pytest.mark.parametrize("values", VALUE_FILES)
def test_a_worker_runs_what_compose_runs(values: str) -> None:
    for name, pod in pods(values):
        args = container(pod)["args"]
        service = COMPOSE["setup" if name == "migrate" else name]
        assert args[: len(service["command"])] == service["command"]
        command = load(args[0], COMMANDS[args[0]])
        assert command.make_context(args[0], args[1:]).command.name == args[0]


@pytest.mark.parametrize("values", VALUE_FILES)
def test_a_worker_can_start_with_its_settings(values: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for _, pod in pods(values):
        with monkeypatch.context() as patched:
            for name, value in plain(pod).items():
                patched.setenv(name, value)
            patched.setenv("KAFKA_SASL_USERNAME", "x")
            patched.setenv("KAFKA_SASL_PASSWORD", "x")
            made = Settings()
        assert str(made.http_port) == "8080"
        assert made.http_host == "0.0.0.0"  # noqa: S104 - a probe comes from outside the pod
        assert made.topic_partitions == partitions(values)


@pytest.mark.parametrize("values", VALUE_FILES)
def test_secrets_come_from_secrets_alone(values: str) -> None:
    for name, pod in pods(values):
        env = {each["name"]: each for each in container(pod)["env"]}
        assert not SECRETS & plain(pod).keys()
        for secret in SECRETS & env.keys():
            assert env[secret]["valueFrom"]["secretKeyRef"]["name"]
        sees_warehouse = "CLICKHOUSE_PASSWORD" in env
        assert sees_warehouse == (name in {"sink", "serve", "migrate"})


@pytest.mark.parametrize("values", VALUE_FILES)
def test_probes_ports_and_stops_are_those_of_the_image(values: str) -> None:
    [image_port] = re.findall(r"HTTP_PORT=(\d+)", DOCKERFILE)
    compose_grace = int(COMPOSE["detect"]["stop_grace_period"].removesuffix("s"))
    for workload in of_kind(values, "StatefulSet", "Deployment").values():
        pod = workload["spec"]["template"]["spec"]
        worker = container(pod)
        ports = {each["name"]: each["containerPort"] for each in worker["ports"]}
        assert ports["metrics"] == int(image_port) == int(plain(pod)["HTTP_PORT"])
        for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"),
                            ("readinessProbe", "/readyz")):  # fmt: skip
            assert worker[probe]["httpGet"] == {"path": path, "port": "metrics"}
        assert pod["terminationGracePeriodSeconds"] > TERMINATION_SECONDS
        assert pod["terminationGracePeriodSeconds"] >= compose_grace
        assert "cpu" not in worker["resources"]["limits"]
        assert worker["resources"]["limits"]["memory"]
        assert worker["resources"]["requests"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("values", VALUE_FILES)
def test_pods_have_no_privileges(values: str) -> None:
    [user] = re.findall(r"^USER (\d+):(\d+)", DOCKERFILE, re.MULTILINE)
    for _, pod in pods(values):
        security = pod["securityContext"]
        assert (security["runAsUser"], security["runAsGroup"]) == tuple(map(int, user))
        assert security["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        inner = container(pod)["securityContext"]
        assert inner["readOnlyRootFilesystem"] is True
        assert inner["allowPrivilegeEscalation"] is False
        assert inner["capabilities"] == {"drop": ["ALL"]}
        mounts = {each["mountPath"] for each in container(pod)["volumeMounts"]}
        assert "/tmp" in mounts  # noqa: S108 - the pod's own


def test_workers_scale_on_the_lag_of_their_group_up_to_the_partitions() -> None:
    settings = Settings(topic_namespace="liquidations")
    workloads = of_kind("large", "StatefulSet")
    scaled = of_kind("large", "ScaledObject")
    assert scaled.keys() == {"normalize", "detect", "sink"}
    for name, each in scaled.items():
        spec = each["spec"]
        assert spec["scaleTargetRef"]["kind"] == workloads[name]["kind"]
        assert spec["scaleTargetRef"]["name"] == workloads[name]["metadata"]["name"]
        assert "replicas" not in workloads[name]["spec"]
        assert spec["minReplicaCount"] <= spec["maxReplicaCount"] <= partitions("large")
        [trigger] = spec["triggers"]
        assert trigger["type"] == "kafka"
        stage = SINK_STAGE if name == "sink" else Stage(name).value
        assert trigger["metadata"]["consumerGroup"] == settings.group(stage)
        assert trigger["metadata"].get("topic") == (
            settings.topics.events if name == "detect" else None
        )
        login = of_kind("large", "TriggerAuthentication")[name]
        assert trigger["authenticationRef"]["name"] == login["metadata"]["name"]
    assert not of_kind("team", "ScaledObject")


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


@pytest.mark.parametrize("values", ["team", "large"])
def test_policies_budgets_and_monitors_select_their_workers(values: str) -> None:
    workloads = of_kind(values, "StatefulSet", "Deployment")
    jobs = {job["job_name"] for job in scrape_jobs()}
    monitors = of_kind(values, "ServiceMonitor")
    services = {
        each["metadata"]["name"]: each for each in rendered(values) if each["kind"] == "Service"
    }
    assert of_kind(values, "PodDisruptionBudget").keys() == workloads.keys() == monitors.keys()
    assert of_kind(values, "NetworkPolicy").keys() == {*workloads, "topics", "migrate"}
    for name, workload in workloads.items():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert selects(workload["spec"]["selector"]["matchLabels"], labels)
        budget = of_kind(values, "PodDisruptionBudget")[name]["spec"]
        assert selects(budget["selector"]["matchLabels"], labels)
        policy = of_kind(values, "NetworkPolicy")[name]["spec"]
        assert selects(policy["podSelector"]["matchLabels"], labels)
        headless = services[workload["metadata"]["name"]]
        assert headless["spec"]["clusterIP"] == "None"
        assert selects(headless["spec"]["selector"], labels)
        monitor = monitors[name]["spec"]
        assert selects(monitor["selector"]["matchLabels"], headless["metadata"]["labels"])
        assert monitor["endpoints"][0]["port"] == headless["spec"]["ports"][0]["name"]
        # The job that rules and dashboards select by.
        assert headless["metadata"]["labels"][monitor["jobLabel"]] in jobs
        spread = workload["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert {each["topologyKey"] for each in spread} >= {"kubernetes.io/hostname"}
        assert all(selects(each["labelSelector"]["matchLabels"], labels) for each in spread)


def scrape_jobs() -> list[dict[str, Any]]:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    return list(config["scrape_configs"])


def test_a_worker_may_reach_what_it_needs_and_no_more() -> None:
    policies = of_kind("team", "NetworkPolicy")
    open_ports = {
        name: {
            port["port"]
            for rule in policy["spec"]["egress"]
            for port in rule["ports"]
            if port["port"] != 53
        }
        for name, policy in policies.items()
    }
    kafka, warehouse, outside = 9093, 8443, 443
    assert open_ports == {
        "produce": {kafka, outside},
        "reference": {kafka, outside},
        "backfill": {kafka, outside},
        "notify": {kafka, outside},
        "normalize": {kafka},
        "detect": {kafka},
        "sink": {kafka, warehouse},
        "sink-redis": {kafka, 6379},
        "serve": {kafka, warehouse},
        "topics": {kafka},
        "migrate": {warehouse},
    }
    for name, policy in policies.items():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        ports = [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]]
        wanted = {"serve": ["metrics", "page"], "topics": [], "migrate": []}
        assert ports == wanted.get(name, ["metrics"])


def test_topics_and_migrations_run_before_workers() -> None:
    jobs = of_kind("team", "Job")
    weights = {}
    for name, job in jobs.items():
        notes = job["metadata"]["annotations"]
        assert notes["helm.sh/hook"] == "pre-install,pre-upgrade"
        weights[name] = int(notes["helm.sh/hook-weight"])
    assert weights["topics"] < weights["migrate"]
    for name in jobs:
        policy = of_kind("team", "NetworkPolicy")[name]["metadata"]["annotations"]
        assert int(policy["helm.sh/hook-weight"]) < weights["topics"]


def test_rules_and_dashboards_of_the_chart_are_those_of_compose() -> None:
    made = [each["spec"] for each in rendered("team") if each["kind"] == "PrometheusRule"]
    assert made == [yaml.safe_load(path.read_text()) for path in RULE_FILES]
    found: dict[str, str] = {}
    for each in rendered("team"):
        if each["metadata"]["labels"].get("grafana_dashboard"):
            found |= each["data"]
    assert found == {path.name: path.read_text() for path in FOLDER.iterdir()}


MISTAKES: Final = {
    "workers.normalize.replicas=two": ("/workers/normalize/replicas", "want integer"),
    "workers.normalise.replicas=2": ("/workers", "normalise"),
    "workers.normalize.settings.INSTITUTIONAL_TRESHOLD_USD=1": (
        "/workers/normalize/settings",
        "INSTITUTIONAL_TRESHOLD_USD",
    ),
    "workers.normalize.settings.CASCADE_MIN_EVENTS=5": (
        "/workers/normalize/settings",
        "CASCADE_MIN_EVENTS",
    ),
    "workers.reference.replicas=2": ("/workers/reference/replicas", "want 1"),
    "kafka.bootstrapServers=kafka": ("/kafka/bootstrapServers", "pattern"),
    "kafka.securityProtocol=TLS": ("/kafka/securityProtocol", "SASL_SSL"),
    "clickhouse.url=clickhouse:8123": ("/clickhouse/url", "pattern"),
    "terminationGracePeriodSeconds=20": ("/terminationGracePeriodSeconds", "35"),
    "networkPolicy.outsidePorts={0}": ("/networkPolicy/outsidePorts/0", "1"),
    "workers.detect.autoscaling.enabled=true,workers.detect.autoscaling.max=13": (
        "workers.detect.autoscaling.max is 13, and topics.partitions is 12",
        "Lower the one or raise the other",
    ),
    "workers.sink.autoscaling.enabled=true,workers.sink.autoscaling.min=5,"
    "workers.sink.autoscaling.max=4": ("workers.sink.autoscaling.min is 5 and max is 4",),
    "workers.notify.rules=": ("workers.notify is enabled and has no rules",),
    "clickhouse.ingestSecret=": ("sink talks to ClickHouse: set clickhouse.ingestSecret",),
    "kafka.securityProtocol=PLAINTEXT": ("kafka.caSecret is set", "has no TLS"),
    "workers.sink-redis.urlSecret=": (
        "sink-redis talks to Redis: set workers.sink-redis.urlSecret",
    ),
    "workers.detect.kafkaSecret=": ("needs a login", "kafkaSecret of detect"),
}


@pytest.mark.parametrize("change", MISTAKES)
def test_a_mistake_fails_at_lint_with_a_sentence(change: str) -> None:
    linted = helm(
        "lint", str(CHART), "--values", str(VALUES / "team.yaml"), "--set", change
    )  # fmt: skip
    said = linted.stdout + linted.stderr
    assert linted.returncode != 0, said
    for words in MISTAKES[change]:
        assert words in said


def test_a_value_file_is_packed_with_its_rules(tmp_path: Path) -> None:
    packed = helm("package", str(CHART), "--destination", str(tmp_path))
    assert packed.returncode == 0, packed.stderr
    [archive] = tmp_path.iterdir()
    answer = helm("template", "other", str(archive), "--values", str(VALUES / "team.yaml"))
    assert answer.returncode == 0, answer.stderr
    assert "LiqNoProducer" in answer.stdout
