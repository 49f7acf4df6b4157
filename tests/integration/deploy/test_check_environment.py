"""A mistake in the files of compose's environment is named before anything starts."""

import shutil
from pathlib import Path

import pytest

from deploy.check_environment import mistakes
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout's examples, and an `.env` with a password."""
    (tmp_path / "deploy").mkdir()
    for example in (ROOT / "deploy").glob("*.example.env"):
        shutil.copy(example, tmp_path / "deploy")
    for name in ("deploy/example.env", "docker-compose.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    text = (ROOT / "deploy" / "example.env").read_text()
    (tmp_path / ".env").write_text(
        text.replace("CLICKHOUSE_PASSWORD=\n", "CLICKHOUSE_PASSWORD=secret\n")
    )
    return tmp_path


def test_the_examples_have_no_mistake(checkout: Path) -> None:
    shutil.copy(checkout / "deploy" / "detect.example.env", checkout / "deploy" / "detect.env")
    assert list(mistakes(checkout)) == []


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        (".env", "TOPIC_PARTITONS=24", "did you mean TOPIC_PARTITIONS?"),
        (".env", "CLICKHOUSE_PASSWORD=", "CLICKHOUSE_PASSWORD is empty; choose a password"),
        (".env", "TOPIC_PARTITIONS=many", "TOPIC_PARTITIONS: Input should be a valid integer"),
        ("deploy/detect.env", "CASCADE_MIN_EVENT=7", "did you mean CASCADE_MIN_EVENTS?"),
        ("deploy/detect.env", "CASCADE_MIN_EVENTS=none", "CASCADE_MIN_EVENTS: Input should be"),
        ("deploy/detect.env", "SINK_BATCH_SECONDS=1", "is no setting of this file"),
        ("deploy/detects.env", "", "deploy/detects.env is the file of no role"),
    ],
)
def test_a_mistake_is_named_with_its_file(checkout: Path, file: str, line: str, words: str) -> None:
    with (checkout / file).open("a") as opened:
        opened.write(f"{line}\n")
    [sentence] = mistakes(checkout)
    assert words in sentence
    assert sentence.startswith(file)


def test_a_checkout_without_the_file_is_told_what_to_copy(checkout: Path) -> None:
    (checkout / ".env").unlink()
    assert list(mistakes(checkout)) == [
        "There is no .env; copy deploy/example.env and choose a password."
    ]
