"""A report says up to when it is complete."""

import pytest

from liq.cli.report.horizon import UNKNOWN, horizon_sentence, sentence
from liq.runtime.settings import load_settings


@pytest.mark.parametrize(
    ("status", "unstored", "words"),
    [
        (None, 0, "No detector has said"),
        ({"assets_decided_until_ms": None}, 0, "No detector has said"),
        ({"assets_decided_until_ms": 1_783_648_080_000}, 0, "until 2026-07-10 01:48:00 UTC. All"),
        ({"assets_decided_until_ms": 1_783_648_080_000}, 1_200, "1,200 records wait"),
    ],
)
def test_what_is_behind_is_said(
    status: dict[str, object] | None, unstored: int, words: str
) -> None:
    assert words in sentence(status, unstored)


def test_without_kafka_nobody_knows() -> None:
    assert horizon_sentence(load_settings(kafka_bootstrap_servers="127.0.0.1:9")) == UNKNOWN
