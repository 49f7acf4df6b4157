"""`liq instruments refresh`: contract metadata from the venues for the workers."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from liq.cli.console import exits_on_configuration_error, out
from liq.cli.contract_lists import contract_sources, listed_exchanges
from liq.processors.normalizers import load_snapshot
from liq.processors.normalizers.instruments import snapshot_text
from liq.producers.reference import (
    ContractSource,
    KnownContracts,
    SourceError,
    check_listing,
    fetch_contracts,
    versions,
)
from liq.runtime.environment import environment
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import new_producer
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.schemas.records import Instrument
from liq.schemas.units import MILLISECOND_NS

CLIENT_ID: Final = "instruments"

app = typer.Typer(no_args_is_help=True)


@app.callback()
def instruments() -> None:
    """Contract metadata."""


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
    unchecked: Annotated[
        bool,
        typer.Option("--unchecked", help="Believe listings that `liq reference` would refuse."),
    ] = False,
) -> None:
    """Fetch the contracts of every venue whose sizes are contracts, and publish them.

    `liq reference` does the same every hour. The command names venues that do not answer, or whose
    listing it refuses, and publishes the others; the exit code is then 69.
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
    sources = contract_sources(wanted, environment())
    refreshed = asyncio.run(_refresh(settings, sources, publish=publish, unchecked=unchecked))
    if refreshed.contracts and snapshot is not None:
        snapshot.write_bytes(snapshot_text(load_snapshot().updated(refreshed.contracts)))
    _report(wanted, refreshed.contracts, refreshed.problems)
    if refreshed.problems:
        raise DependencyError("\n".join(refreshed.problems.values()))


async def publish_contracts(settings: Settings, contracts: Sequence[Instrument]) -> None:
    """Publish to the compacted topic, which keeps the newest record of each contract version.

    Raises:
        DependencyError: the brokers do not answer.
    """
    await ensure_topics(settings, ())
    producer = new_producer(settings, CLIENT_ID)
    await producer.start()
    try:
        await KnownContracts(settings, ()).publish(producer, contracts)
    finally:
        await producer.stop()


@dataclass(slots=True)
class Refreshed:
    """The accepted contracts, and the problems, by exchange."""

    contracts: list[Instrument] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


async def _refresh(
    settings: Settings, sources: Sequence[ContractSource], *, publish: bool, unchecked: bool
) -> Refreshed:
    known = KnownContracts(settings, load_snapshot().all())
    if publish:
        await ensure_topics(settings, ())
        await known.read()
        await known.close()
    as_of = datetime.now(UTC).date().isoformat()
    now_ms = time.time_ns() // MILLISECOND_NS
    refreshed = Refreshed()
    for source in sources:
        try:
            listed = await fetch_contracts(source, as_of)
        except SourceError as error:
            _add_problem(refreshed, source.exchange, f"did not list its contracts ({error}).")
            continue
        before = known.of(source.exchange)
        expected = {symbol: one for symbol, one in before.items() if source.lists(one)}
        listing = check_listing(listed, {} if unchecked else expected, source.family_of)
        if listing.complaint:
            _add_problem(refreshed, source.exchange, f"is not believed: {listing.complaint}.")
        refreshed.contracts += versions(listing.contracts, before, now_ms)[0]
    if publish and refreshed.contracts:
        await publish_contracts(settings, refreshed.contracts)
    return refreshed


def _add_problem(refreshed: Refreshed, exchange: str, problem: str) -> None:
    before = refreshed.problems.get(exchange)
    sentence = f"{exchange} {problem}"
    refreshed.problems[exchange] = sentence if before is None else f"{before} {sentence}"


def _report(
    exchanges: Sequence[str], contracts: Sequence[Instrument], failures: dict[str, str]
) -> None:
    table = Table("exchange", "contracts", "problem", title="Contracts listed")
    for exchange in exchanges:
        count = sum(contract.exchange == exchange for contract in contracts)
        table.add_row(exchange, str(count), failures.get(exchange, ""))
    out.print(table)
