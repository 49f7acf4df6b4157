"""What reaches the log: our events, and libraries from WARNING on."""

import json
import logging
from collections.abc import Iterator

import pytest

from liq.runtime.logs import configure_logging, get_logger
from liq.runtime.settings import Settings


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_chatter_of_libraries_is_left_out_also_under_our_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(Settings.model_construct(log_format="json", log_level="DEBUG"), worker="w")
    # mode logs its services under the module of the class that inherits from it.
    library = logging.getLogger("liq.processors.stages.output")
    library.info("[^-%s]: Stopping...", "Output")
    library.warning("[^-%s]: is late", "Output")
    logging.getLogger("uvicorn.error").info("Started server process [1]")
    get_logger("liq.processors.stages.output").info("output_started", rows=1)
    get_logger("liq.processors.stages.output").debug("output_detail")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["worker"]) for line in lines] == [
        ("[^-Output]: is late", "w"),
        ("output_started", "w"),
        ("output_detail", "w"),
    ]


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eBTC\nforged line"


@pytest.mark.parametrize("log_format", ["console", "json", "auto"])
def test_a_log_holds_no_terminal_escapes(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure_logging(Settings.model_construct(log_format=log_format, log_level="INFO"))
    get_logger("liq.test").info("frame_rejected", symbol=HOSTILE, symbols=[HOSTILE])
    logging.getLogger("library").warning("cannot read %s", HOSTILE)
    get_logger("liq.test").error("failed", exc_info=ValueError(HOSTILE))
    shown = capsys.readouterr().err
    assert "owned" in shown
    assert "frame_rejected" in shown
    assert all(character.isprintable() or character == "\n" for character in shown)
    if log_format == "console":
        assert sum("forged line" in line for line in shown.splitlines()[:2]) == 2
        assert [line for line in shown.splitlines() if line.startswith("forged")] == ["forged line"]
