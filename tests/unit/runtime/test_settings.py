from decimal import Decimal

import pytest

from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_documented_defaults() -> None:
    settings = load_settings()
    assert settings.cascade_window_seconds == 60
    assert settings.cascade_min_events == 5
    assert settings.cascade_min_value_usd == Decimal(100_000)
    assert settings.institutional_threshold_usd == Decimal(100_000)
    assert settings.price_level_rounding == Decimal(100)
    assert settings.exchanges == ()


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGES", " Binance, okx ,")
    monkeypatch.setenv("CASCADE_MIN_VALUE_USD", "250000.50")
    settings = load_settings()
    assert settings.exchanges == ("binance", "okx")
    assert settings.cascade_min_value_usd == Decimal("250000.50")


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_MIN_EVENTS", "")
    assert load_settings().cascade_min_events == 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CASCADE_MIN_EVENTS", "many"),
        ("CASCADE_MIN_VALUE_USD", "-1"),
        ("CLICKHOUSE_URL", "localhost:8123"),
        ("KAFKA_SECURITY_PROTOCOL", "SSH"),
        ("TOPIC_NAMESPACE", "Not A Namespace"),
        ("HTTP_PORT", "70000"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_sasl_without_credentials_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"):
        load_settings(kafka_security_protocol="SASL_SSL")


def test_secrets_are_masked_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "hunter2")
    settings = load_settings()
    assert settings.masked()["CLICKHOUSE_PASSWORD"] == "********"
    assert settings.masked()["KAFKA_SASL_PASSWORD"] == ""
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.masked())


def test_every_setting_has_a_sentence() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_topics_and_groups_share_the_namespace() -> None:
    settings = load_settings(topic_namespace="pipeline-2")
    assert settings.topics.raw("okx") == "pipeline-2.raw.okx"
    assert settings.topics.raw_exchange("pipeline-2.raw.okx") == "okx"
    assert settings.group("detect") == "pipeline-2.detect"
