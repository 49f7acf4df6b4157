"""`python -m deploy.helm.schema`: write the chart's values.schema.json from the code's settings.

With the schema, `helm lint` fails on a setting that no worker has, and on a number out of range.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from liq.cli.contract_lists import contract_settings
from liq.cli.docs.env_files import ROLES
from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.feeds.settings import feed_settings
from liq.producers.history.settings import history_settings
from liq.runtime.settings import Settings

CHART: Final = Path(__file__).parent / "liquidation-engine"
SCHEMA: Final = CHART / "values.schema.json"
#: Settings that the chart sets from its own values or from secrets.
SET_BY_CHART: Final = frozenset(
    {
        *("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM"),
        *("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD", "KAFKA_SSL_CAFILE"),
        *("TOPIC_NAMESPACE", "TOPIC_PARTITIONS", "TOPIC_REPLICATION", "WORKER_SLOT"),
        *("CLICKHOUSE_URL", "CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD", "CLICKHOUSE_READER_PASSWORD"),
        *("CLICKHOUSE_READER_USER", "CLICKHOUSE_DATABASE"),
        *("HTTP_HOST", "HTTP_PORT", "LOG_LEVEL", "LOG_FORMAT"),
        *("NOTIFY_RULES", "WEB_HOST", "WEB_PORT", "WEB_TOKENS", "REDIS_URL"),
    }
)
#: Settings for a broker without a long poll, and for files that a pod does not have.
NOT_IN_A_CLUSTER: Final = frozenset(
    {"KAFKA_EMULATE_LONG_POLL", "KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE"}
)
#: The roles of compose's files whose settings each worker of the chart reads.
ROLE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "produce": ("produce",),
    "normalize": ("normalize",),
    "detect": ("detect",),
    "sink": ("clickhouse",),
    "sink-redis": ("redis",),
    "reference": ("reference",),
    "backfill": ("backfill",),
    "notify": ("notify",),
    "serve": ("serve",),
    "migrate": ("clickhouse",),
}
SCALED: Final = ("normalize", "detect", "sink")
#: Workers whose second process would do the same work again (docs/deploy.md).
SINGLE: Final = ("reference",)

STRING: Final = {"type": "string"}
NAME: Final = {"type": "string", "pattern": "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"}
BOOLEAN: Final = {"type": "boolean"}
COUNT: Final = {"type": "integer", "minimum": 1}
FREE: Final = {"type": "object"}
LIST: Final = {"type": "array"}
PORT: Final = {"type": "integer", "minimum": 1, "maximum": 65535}
PORTS: Final = {"type": "array", "items": PORT}


def closed(properties: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """Return the schema of an object with these keys and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(properties),
        "required": sorted(required),
    }


def role_settings(role: str) -> dict[str, Any]:
    """Return the schemas of a role's settings by their names."""
    chosen = next(each for each in ROLES if each.name == role)
    found = {
        name: schema
        for name, schema in _settings().items()
        if name.startswith(chosen.prefixes) and name not in SET_BY_CHART
    }
    if chosen.has_feeds:
        found |= {each.name: STRING for each in feed_settings(ALL_FEEDS) if not each.is_secret}
    if chosen.has_contracts:
        found |= {contracts.name: STRING for contracts in contract_settings()}
    if chosen.has_histories:
        found |= {history.name: STRING for history in history_settings()}
    return found


def common_settings() -> dict[str, Any]:
    """Return the schemas of the settings that every worker reads and the chart does not set."""
    prefixes = tuple(prefix for role in ROLES for prefix in role.prefixes)
    return {
        name: schema
        for name, schema in _settings().items()
        if not name.startswith(prefixes) and name not in SET_BY_CHART | NOT_IN_A_CLUSTER
    }


def _settings() -> dict[str, Any]:
    """Return the schema of each setting: a number in its range, or any text."""
    known = {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    fields = Settings.model_json_schema()["properties"]
    found: dict[str, Any] = {}
    for name in Settings.model_fields:
        field = {key: value for key, value in fields.get(name, {}).items() if key in known}
        is_plain = field.get("type") in {"integer", "number", "boolean"}
        found[name.upper()] = {"anyOf": [field, STRING]} if is_plain else STRING
    return found


def _worker(name: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for role in ROLE_OF[name]:
        settings |= role_settings(role)
    replicas = {"type": "integer", "minimum": 0, **({"maximum": 1} if name in SINGLE else {})}
    properties: dict[str, Any] = {
        "enabled": BOOLEAN,
        "replicas": replicas,
        "settings": closed(settings),
        "kafkaSecret": NAME,
        "resources": FREE,
    }
    if name in SCALED:
        limits = {"enabled": BOOLEAN, "min": COUNT, "max": COUNT, "lag": COUNT}
        properties["autoscaling"] = closed(limits)
    extra: dict[str, dict[str, Any]] = {
        "produce": {
            "exchanges": {"type": "array", "items": STRING, "uniqueItems": True},
            "keysSecret": NAME,
        },
        "notify": {"rules": STRING, "secret": NAME},
        "serve": {"tokensSecret": NAME},
        "sink-redis": {"urlSecret": NAME, "port": PORT},
    }
    return closed(properties | extra.get(name, {}))


def schema() -> dict[str, Any]:
    """Return the schema of the chart's values."""
    protocols = Settings.model_json_schema()["properties"]["kafka_security_protocol"]
    mechanisms = Settings.model_json_schema()["properties"]["kafka_sasl_mechanism"]
    address = {"type": "string", "pattern": r"^[^,:\s]+:[0-9]+(,\s*[^,:\s]+:[0-9]+)*$"}
    peers = {"type": "array", "items": {"type": "object"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Values of the chart liquidation-engine",
        **closed(
            {
                "global": FREE,
                "image": closed(
                    {
                        "repository": {"type": "string", "minLength": 1},
                        "tag": STRING,
                        "pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
                        "pullSecrets": {"type": "array", "items": NAME},
                    }
                ),
                "settings": closed(common_settings()),
                "topics": closed({"namespace": STRING, "partitions": COUNT, "replication": COUNT}),
                "kafka": closed(
                    {
                        "bootstrapServers": address,
                        "securityProtocol": {"enum": protocols["enum"]},
                        "saslMechanism": {"enum": mechanisms["enum"]},
                        "secret": NAME,
                        "caSecret": NAME,
                    }
                ),
                "clickhouse": closed(
                    {
                        "url": {"type": "string", "pattern": r"^https?://[^/@\s]+$"},
                        "database": {"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
                        "migratorSecret": NAME,
                        "ingestSecret": NAME,
                        "readerSecret": NAME,
                    }
                ),
                "hooks": closed(
                    {
                        "topics": closed({"enabled": BOOLEAN, "kafkaSecret": NAME}),
                        "migrate": closed(
                            {"enabled": BOOLEAN, "settings": closed(role_settings("clickhouse"))}
                        ),
                    }
                ),
                "workers": closed({name: _worker(name) for name in ROLE_OF if name != "migrate"}),
                "terminationGracePeriodSeconds": {"type": "integer", "minimum": 35},
                "logLevel": {"enum": ["DEBUG", "INFO", "WARNING", "ERROR"]},
                "podAnnotations": {"type": "object", "additionalProperties": STRING},
                "nodeSelector": {"type": "object", "additionalProperties": STRING},
                "tolerations": LIST,
                "topologySpread": closed(
                    {"enabled": BOOLEAN, "keys": {"type": "array", "items": STRING}}
                ),
                "podDisruptionBudget": closed({"enabled": BOOLEAN}),
                "networkPolicy": closed(
                    {
                        "enabled": BOOLEAN,
                        "metricsFrom": peers,
                        "pageFrom": peers,
                        "kafkaPorts": PORTS,
                        "outsidePorts": PORTS,
                    }
                ),
                "monitoring": closed(
                    {
                        "serviceMonitor": BOOLEAN,
                        "prometheusRule": BOOLEAN,
                        "dashboards": BOOLEAN,
                        "interval": {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
                        "labels": {"type": "object", "additionalProperties": STRING},
                    }
                ),
            }
        ),
    }


def schema_text() -> str:
    """Return the text of values.schema.json."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text())
