"""The examples of compose's `env_file`s: one file per role, with every setting of the role."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liq.cli.contract_lists import contract_settings
from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.feeds.settings import feed_settings
from liq.producers.history.settings import history_settings
from liq.runtime.settings import Settings, default_text

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
# docker-compose.yml sets these: it runs one ClickHouse, passes its password on, runs one Redis, and
# mounts the rules of notifications.
SET_BY_COMPOSE: Final = frozenset(
    {
        "CLICKHOUSE_URL",
        "CLICKHOUSE_USER",
        "CLICKHOUSE_PASSWORD",
        "CLICKHOUSE_CLUSTER",
        "REDIS_URL",
        "NOTIFY_RULES",
        "WEB_HOST",
        "WEB_PORT",
    }
)


@dataclass(frozen=True, slots=True)
class Role:
    """Services that share settings: their name, their commands, the prefixes of their settings."""

    name: str
    commands: str
    prefixes: tuple[str, ...]
    has_feeds: bool = False
    has_contracts: bool = False
    has_histories: bool = False


ROLES: Final = (
    Role("normalize", "`liq process normalize`", ("INSTITUTIONAL_", "PRICE_", "RATE_")),
    Role("detect", "`liq process detect`", ("CASCADE_", "CHECKPOINT_")),
    Role("clickhouse", "`liq migrate` and `liq sink clickhouse`", ("CLICKHOUSE_", "SINK_")),
    Role("reference", "`liq reference`", ("RATES_", "REFERENCE_"), has_contracts=True),
    Role("backfill", "`liq backfill`", ("BACKFILL_",), has_histories=True),
    Role("notify", "`liq notify`", ("NOTIFY_",)),
    Role("redis", "`liq sink redis`", ("REDIS_",)),
    Role("serve", "`liq serve`", ("WEB_", "CLICKHOUSE_READER_", "CLICKHOUSE_DATABASE")),
    Role("produce", "`liq produce`", ("PRODUCE_",), has_feeds=True),
)


def env_files() -> dict[Path, str]:
    """Return the example file of every role with its wanted content."""
    return {DEPLOY / f"{role.name}.example.env": _text(role) for role in ROLES}


def _text(role: Role) -> str:
    lines = [
        f"# Settings of {role.commands}; an empty value means the default.",
        f"# Copy to deploy/{role.name}.env. `python -m liq.cli.docs` makes this example.",
    ]
    for name, default, meaning in _settings(role):
        lines += ["", f"# {meaning}", f"# Default: {default or 'empty'}", f"{name}="]
    return "\n".join(lines) + "\n"


def _settings(role: Role) -> Iterable[tuple[str, str, str]]:
    """Yield name, default and meaning of each setting of a role."""
    for name, field in Settings.model_fields.items():
        setting = name.upper()
        if setting.startswith(role.prefixes) and setting not in SET_BY_COMPOSE:
            yield setting, default_text(name), field.description or ""
    if role.has_feeds:
        for feed in feed_settings(ALL_FEEDS):
            yield feed.name, feed.default, feed.meaning
    if role.has_contracts:
        for contracts in contract_settings():
            yield contracts.name, contracts.default, contracts.meaning
    if role.has_histories:
        for history in history_settings():
            yield history.name, history.default, history.meaning
