"""The queries of a report, and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from liq.cli.report import questions

Row = Mapping[str, Any]
Rows = list[Row]

# Steps of a time series; a report uses the first that gives at most MOST_STEPS points.
STEPS_SECONDS = (60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 12 * 3600, 86_400)
MOST_STEPS = 120


class NothingStoredError(Exception):
    """There is no liquidation to report on; the message has the database or the period."""


@dataclass(frozen=True, slots=True)
class Period:
    """The period from `since` to before `until` (UTC)."""

    since: datetime
    until: datetime

    @property
    def step_seconds(self) -> int:
        """The distance between points of a series."""
        span = (self.until - self.since).total_seconds()
        return next((step for step in STEPS_SECONDS if span / step <= MOST_STEPS), 86_400)

    @property
    def starts(self) -> list[datetime]:
        """Return the start of each step, including steps without liquidations."""
        step = self.step_seconds
        first = int(self.since.timestamp()) // step * step
        return [
            datetime.fromtimestamp(second, UTC)
            for second in range(first, int(self.until.timestamp()), step)
        ]


@dataclass(frozen=True, slots=True)
class PostMortem:
    """The answers about one cascade."""

    cascade: Row
    seconds: Rows
    prices: Rows
    venues: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answers about one period. `symbol` is the symbol of the price levels."""

    database: str
    period: Period
    symbol: str
    summary: Row
    venues: Rows
    symbols: Rows
    series: Rows
    largest: Rows
    levels: Rows
    level_prices: Rows
    level_cascades: Rows
    sizes: Rows
    hours_of_day: Rows
    cascade_count: Row
    cascades: Rows
    post_mortem: PostMortem | None
    leads: Rows
    gaps: Rows
    rejected: Rows


def newest_period(client: Client, days: float, until: datetime | None) -> Period:
    """Return the last `days` before `until`, or before the end of the newest liquidation's hour.

    Raises:
        NothingStoredError: no liquidation is stored.
    """
    ((newest, rows),) = client.query(questions.NEWEST).result_rows
    if not rows:
        raise NothingStoredError(
            f"The database {client.database} holds no liquidations yet. Is `liq sink clickhouse` "
            "running, and does CLICKHOUSE_DATABASE name the database that it loads?"
        )
    if until is None:
        hour = newest.replace(tzinfo=UTC, minute=0, second=0, microsecond=0)
        until = hour + timedelta(hours=1)
    return Period(until - timedelta(days=days), until)


def ask(client: Client, period: Period, symbol: str | None = None) -> Report:
    """Run all queries. Without a symbol, price levels are those of the symbol with most dollars.

    Raises:
        NothingStoredError: there is no liquidation in the period.
    """
    bounds: dict[str, Any] = {"since": clock(period.since), "until": clock(period.until)}
    step = {"step": period.step_seconds}

    def rows(question: str, **parameters: object) -> Rows:
        return list(client.query(question, {**bounds, **parameters}).named_results())

    (summary,) = rows(questions.SUMMARY)
    if not summary["events"]:
        raise NothingStoredError(
            f"There are no liquidations from {clock(period.since)} to {clock(period.until)} UTC."
        )
    shown_symbol = symbol or rows(questions.BUSIEST_SYMBOL)[0]["symbol"]
    cascades = rows(questions.CASCADES)
    return Report(
        database=client.database or "",
        period=period,
        symbol=shown_symbol,
        summary=summary,
        venues=rows(questions.VENUES),
        symbols=rows(questions.SYMBOLS),
        series=rows(questions.SERIES, **step),
        largest=rows(questions.LARGEST),
        levels=rows(questions.LEVELS, **step, symbol=shown_symbol),
        level_prices=rows(questions.LEVEL_PRICES, **step, symbol=shown_symbol),
        level_cascades=rows(questions.LEVEL_CASCADES, symbol=shown_symbol),
        sizes=rows(questions.SIZES),
        hours_of_day=rows(questions.HOURS_OF_DAY),
        cascade_count=rows(questions.CASCADE_COUNT)[0],
        cascades=cascades,
        post_mortem=_post_mortem(client, cascades[0]) if cascades else None,
        leads=rows(questions.LEADS),
        gaps=rows(questions.GAPS),
        rejected=rows(questions.REJECTED),
    )


def clock(moment: datetime) -> str:
    """Return a UTC time as text for people and for ClickHouse's parameters."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def utc(moment: datetime) -> datetime:
    """Return a time of the client, which is UTC with or without a time zone, in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _post_mortem(client: Client, cascade: Row) -> PostMortem:
    parameters = {"cascade_id": cascade["cascade_id"]}

    def rows(question: str) -> Rows:
        return list(client.query(question, parameters).named_results())

    return PostMortem(
        cascade,
        rows(questions.CASCADE_SECONDS),
        rows(questions.CASCADE_PRICES),
        rows(questions.CASCADE_VENUES),
    )
