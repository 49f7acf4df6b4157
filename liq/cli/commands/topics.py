"""`liq topics`: Kafka's topics as they should be."""

import asyncio
from typing import Annotated

import typer

from liq.cli.console import exits_on_configuration_error, out


@exits_on_configuration_error
def topics(
    check: Annotated[bool, typer.Option(help="Only compare; create nothing.")] = False,
) -> None:
    """Create missing topics, and check partitions, retention and compaction of the others."""
    from rich.table import Table

    from liq.cli.exchanges import configured_exchanges
    from liq.runtime.logs import configure_logging
    from liq.runtime.settings import load_settings
    from liq.runtime.topics import describe_topics, ensure_topics

    settings = load_settings()
    configure_logging(settings, worker="topics")
    if not check:
        asyncio.run(ensure_topics(settings, configured_exchanges(settings)))
    table = Table("topic", "partitions", "cleanup", "retention", "key", title="Topics")
    for topic in asyncio.run(describe_topics(settings, configured_exchanges(settings))):
        table.add_row(*topic.cells())
    out.print(table)
