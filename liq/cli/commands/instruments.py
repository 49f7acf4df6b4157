"""`liq instruments refresh`: what a contract is worth, from the venues to the workers."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from liq.cli.console import exits_on_configuration_error, out
from liq.cli.contract_lists import fetch_contracts, listed_exchanges
from liq.processors.normalizers import load_snapshot
from liq.processors.normalizers.instruments import snapshot_text
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import new_producer
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.records import Instrument

CLIENT_ID: Final = "instruments"

app = typer.Typer(help="Contract metadata.", no_args_is_help=True)


@app.callback()
def instruments() -> None:
    """Contract metadata: what a contract of each venue stands for."""


@app.command()
@exits_on_configuration_error
def refresh(
    exchange: Annotated[
        list[str] | None, typer.Option(help="Only this one (repeatable); all by default.")
    ] = None,
    publish: Annotated[
        bool, typer.Option(help="Publish to the instruments topic, which workers follow.")
    ] = True,
    snapshot: Annotated[
        Path | None, typer.Option(help="Also write the known contracts to this file.")
    ] = None,
) -> None:
    """Fetch the contracts of every venue whose sizes are contracts, and publish them.

    A venue that does not answer is named; the others are published all the same, and the exit
    code is then 69.
    """
    settings = load_settings()
    configure_logging(settings, worker="instruments")
    wanted = tuple(exchange or listed_exchanges())
    unknown = [name for name in wanted if name not in listed_exchanges()]
    if unknown:
        raise ConfigurationError(
            f"Contracts of {', '.join(unknown)} are not listed; known are "
            f"{', '.join(listed_exchanges())}."
        )
    contracts, failures = asyncio.run(_fetch(wanted))
    if contracts and publish:
        asyncio.run(publish_contracts(settings, contracts))
    if contracts and snapshot is not None:
        snapshot.write_bytes(snapshot_text(load_snapshot().updated(contracts)))
    _report(wanted, contracts, failures)
    if failures:
        raise DependencyError("\n".join(failures.values()))


async def publish_contracts(settings: Settings, contracts: Sequence[Instrument]) -> None:
    """Publish to the compacted topic; the newest per exchange and symbol stays.

    Raises:
        DependencyError: the brokers do not answer.
    """
    await ensure_topics(settings, ())
    producer = new_producer(settings, CLIENT_ID)
    await producer.start()
    try:
        deliveries = [
            await producer.send(settings.topics.instruments, encode(one), key=topic_key(one))
            for one in contracts
        ]
        await asyncio.gather(*deliveries)
    finally:
        await producer.stop()


def topic_key(instrument: Instrument) -> bytes:
    """The key of an instrument on its topic."""
    return f"{instrument.exchange}:{instrument.native_symbol}".encode()


async def _fetch(exchanges: Sequence[str]) -> tuple[list[Instrument], dict[str, str]]:
    contracts: list[Instrument] = []
    failures: dict[str, str] = {}
    for exchange in exchanges:
        try:
            contracts.extend(await fetch_contracts(exchange))
        except DependencyError as error:
            failures[exchange] = str(error)
    return contracts, failures


def _report(
    exchanges: Sequence[str], contracts: Sequence[Instrument], failures: dict[str, str]
) -> None:
    table = Table("exchange", "contracts", "problem", title="Contracts listed")
    for exchange in exchanges:
        count = sum(contract.exchange == exchange for contract in contracts)
        table.add_row(exchange, str(count), failures.get(exchange, ""))
    out.print(table)
