"""Structured logs: JSON lines for machines, short coloured ones on a terminal, always on stderr."""

import logging
import sys

import structlog

from liq.runtime.redaction import without_logins
from liq.runtime.settings import Settings

# These libraries log per request at lower levels; the engine's own metrics say more.
QUIET_LOGGERS = {
    "aiokafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "clickhouse_connect": logging.CRITICAL,
    "asyncio": logging.WARNING,
}


def configure_logging(settings: Settings, **context: str) -> None:
    """Set up structlog and the standard library's loggers; `context` stands in every line."""
    as_console = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    # The default for a terminal prints the variables of every frame, passwords among them.
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if as_console
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not as_console:
        shared.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
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
    structlog.contextvars.bind_contextvars(**context)


def _hiding_logins(renderer: structlog.typing.Processor) -> structlog.typing.Processor:
    def render(
        logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
    ) -> str:
        return without_logins(str(renderer(logger, name, event)))

    return render


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose events are short names with fields: log.info("batch_stored", rows=10)."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
