"""Variables that are misspelt settings are refused; those of other programs are not."""

import pytest

from liq.devstack.options import StackOptions
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings, load_settings


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CASCADE_MIN_EVENT", "CASCADE_MIN_EVENTS"),
        ("CASCADE_MIN_VALUE", "CASCADE_MIN_VALUE_USD"),
        ("INSTITUTIONAL_TRESHOLD_USD", "INSTITUTIONAL_THRESHOLD_USD"),
        ("KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_SERVERS"),
        ("EXCHANGE", "EXCHANGES"),
        ("WEB_TOKEN", "WEB_TOKENS"),
    ],
)
def test_a_misspelt_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(ConfigurationError, match=f"{name} is not a setting; .*{meant}"):
        load_settings()


@pytest.mark.parametrize(
    "name",
    [
        *(name.upper() for name in (*StackOptions.model_fields, *Settings.model_fields)),
        *("CLICKHOUSE_PORT", "CLICKHOUSE_HOST", "CLICKHOUSE_SERVICE_HOST", "CLICKHOUSE_DB"),
        *("KAFKA_PORT", "KAFKA_SERVICE_PORT", "KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_HOME"),
        *("WEB_CONCURRENCY", "HTTP_PROXY", "CLICKHOUSE_TESTS", "WORKER_ID"),
    ],
)
def test_names_of_others_are_not(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    load_settings()
