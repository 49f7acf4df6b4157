"""Rejection of environment variables that resemble a setting but are not one (likely typos)."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

from liq.runtime.errors import ConfigurationError

#: The least similarity (0 to 1) at which a name counts as a misspelt setting.
ALIKE: Final = 0.87
#: Prefixes of this project's settings; other variables belong to other programs.
PREFIXES: Final = (
    *("CASCADE_", "CLICKHOUSE_", "EXCHANGE", "INSTITUTIONAL_", "KAFKA_", "NOTIFY_", "RATES_"),
    *("SINK_", "TOPIC_", "WEB_", "WORKER_"),
)
#: Variables of the devstack and of Kubernetes that resemble settings but are correct.
OTHERS: Final = frozenset({"KAFKA_BROKERS", "KAFKA_JARS_DIR", "CLICKHOUSE_SERVERS"})


def refuse_misspelt(environment: Mapping[str, str], known: Collection[str]) -> None:
    """Reject an environment variable that resembles one of the known settings but is not one.

    Raises:
        ConfigurationError: such a variable exists; the message names the likely setting.
    """
    for name in sorted(environment):
        if name in known or name in OTHERS or not name.startswith(PREFIXES):
            continue
        if meant := get_close_matches(name, known, n=1, cutoff=ALIKE):
            raise ConfigurationError(f"{name} is not a setting; did you mean {meant[0]}?")
