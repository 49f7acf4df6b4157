import pytest

from liq.processors.cascades import DetectorConfig
from liq.processors.stages.owned import detector_config
from liq.runtime.settings import Settings, load_settings


def test_the_detector_of_the_default_settings_is_the_default_detector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    assert detector_config(load_settings()).identity == DetectorConfig().identity
