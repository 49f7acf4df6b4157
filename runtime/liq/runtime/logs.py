"""Structured logs: JSON lines for machines, short coloured ones on a terminal, always on stderr.

No text from outside moves a terminal's cursor: JSON escapes control characters, and so do the short
lines, whose own colours are left out unless standard error is a terminal.
"""

import logging
import sys
from collections.abc import Mapping
from io import StringIO
from typing import TextIO

import structlog

from liq.runtime.redaction import without_logins
from liq.runtime.settings import Settings

# These libraries log every request at lower levels; the engine's own metrics are more useful.
QUIET_LOGGERS = {
    "aiokafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "clickhouse_connect": logging.CRITICAL,
    "asyncio": logging.WARNING,
}


def configure_logging(settings: Settings, **context: str) -> None:
    """Configure structlog and the standard library's loggers; every line has `context`."""
    as_console = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    # The default for a terminal prints the variables of every stack frame, including passwords.
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=_printable_traceback
        )
        if as_console
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        _adding(context),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not as_console:
        shared.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_is_ours_or_a_warning)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *((_with_printable_texts,) if as_console else ()),
                _hiding_logins(renderer),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    for name, level in QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _is_ours_or_a_warning(record: logging.LogRecord) -> bool:
    """Return False for messages of libraries below a warning, also under names of our modules.

    mode logs "[^-Output]: Stopping..." under the module of the class that inherits from it. The
    message of a structlog event is a mapping, that of a library is a text.
    """
    return record.levelno >= logging.WARNING or not isinstance(record.msg, str)


def _adding(context: Mapping[str, str]) -> structlog.typing.Processor:
    """Return a processor that adds these fields to every line, in all threads."""

    def add(
        _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {**event, **context}

    return add


def _with_printable_texts(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape what is not printable; the renderer itself escapes all values but texts."""
    return {
        name: _printable(value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _printable_traceback(lines: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    written = StringIO()
    structlog.dev.plain_traceback(written, exc_info)
    lines.write("\n".join(map(_printable, written.getvalue().split("\n"))))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def _hiding_logins(renderer: structlog.typing.Processor) -> structlog.typing.Processor:
    def render(
        logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
    ) -> str:
        return without_logins(str(renderer(logger, name, event)))

    return render


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger whose events are names with fields: log.info("batch_stored", rows=10)."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
